import type { RpcReturn } from "../functions-host/rpc.ts";
import type { Message } from "./history.ts";
import { sanitize } from "./sanitize.ts";

/** The message that an activity's return value becomes. Recorded in g-seq. */
export function activityCompleted(ref: number, returned: RpcReturn): Message {
  return { kind: "taskCompleted", ref, result: resultText(returned.returnValue) };
}

function resultText(value: RpcReturn["returnValue"]): string | null {
  if (value?.json !== undefined && value.json !== null) return value.json;
  if (value?.string !== undefined && value.string !== null) return JSON.stringify(value.string);
  if (value?.bytes) return JSON.stringify(Buffer.from(value.bytes).toString("base64"));
  const number = value?.int ?? value?.double;
  return number === undefined || number === null ? null : String(number);
}

/** The message that a thrown value becomes, with the nested .NET exception in `Details`. Recorded in g-failCaught. */
export function activityFailed(ref: number, name: string, thrown: unknown): Message {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = sanitize(error.message);
  const stack = error.stack ?? "";
  return {
    kind: "taskFailed",
    ref,
    reason: `Activity function '${name}' failed:  ${message}`,
    details: JSON.stringify({
      $type: "System.Exception, System.Private.CoreLib",
      ClassName: "System.Exception",
      Message: ` ${message}`,
      Data: null,
      InnerException: {
        $type: "Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script",
        IsUserException: false,
        RemoteStackTrace: stack,
        RemoteMessage: message,
        RemoteTypeName: null,
        Message: `Result: Failure\nException: ${message}\nStack: ${stack}`,
        Data: { $type: "System.Collections.ListDictionaryInternal, System.Private.CoreLib" },
        InnerException: null,
        HelpLink: null,
        Source: "System.Private.CoreLib",
        HResult: genericHResult,
        StackTrace: "   at Drayage.EmbeddedHost", // some kilobytes of .NET frames on the genuine host
      },
      HelpURL: null,
      StackTraceString: null,
      RemoteStackTraceString: null,
      RemoteStackIndex: 0,
      ExceptionMethod: null,
      HResult: genericHResult,
      Source: null,
      WatsonBuckets: null,
    }),
  };
}

const genericHResult = -2146233088;
