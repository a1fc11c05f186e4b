/** What host and worker say to each other about one invocation. Source: azure-functions-language-worker-protobuf, as the Node worker hands it on. */
export interface RpcTypedData {
  readonly string?: string | null;
  readonly json?: string | null;
  readonly bytes?: Uint8Array | null;
  readonly stream?: Uint8Array | null;
  readonly http?: RpcHttpData | null;
  readonly int?: number | null;
  readonly double?: number | null;
  readonly collectionString?: { readonly string: readonly string[] } | null;
}

/** An HTTP request (host to worker) or answer (worker to host). */
export interface RpcHttpData {
  readonly method?: string | null;
  readonly url?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly query?: Readonly<Record<string, string>> | null;
  readonly params?: Readonly<Record<string, string>> | null;
  readonly nullableHeaders?: Readonly<Record<string, { readonly value?: string | null }>> | null;
  readonly nullableQuery?: Readonly<Record<string, { readonly value?: string | null }>> | null;
  readonly nullableParams?: Readonly<Record<string, { readonly value?: string | null }>> | null;
  readonly body?: RpcTypedData | null;
  readonly statusCode?: string | null;
  readonly cookies?: readonly unknown[] | null;
  readonly enableContentNegotiation?: boolean | null;
}

/** How often this invocation was tried before, for functions with a retry policy. */
export interface RpcRetryContext {
  readonly retryCount: number;
  readonly maxRetryCount: number;
  readonly exception?: { readonly message: string; readonly source?: string; readonly stackTrace?: string };
}

/** What an invocation returned: the `$return` binding and the other output bindings. */
export interface RpcReturn {
  readonly invocationId: string;
  readonly outputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly returnValue: RpcTypedData | null | undefined;
}

/** One binding of a function; triggers carry their options (`route`, `queueName`, `schedule`, …) beside these. */
export interface BindingMetadata {
  readonly type: string;
  readonly direction: string;
  readonly [option: string]: unknown;
}

/** A registered function. `bindings` is keyed by binding name; the names are the hashes that @azure/functions makes. */
export interface FunctionMetadata {
  readonly name: string;
  readonly functionId: string;
  readonly bindings: Readonly<Record<string, BindingMetadata>>;
  readonly retryOptions?: unknown;
}

/** Name and options of the binding that triggers a function. Every function has exactly one. */
export function triggerOf(metadata: FunctionMetadata): { readonly name: string; readonly binding: BindingMetadata } {
  for (const [name, binding] of Object.entries(metadata.bindings)) {
    if (/trigger$/i.test(binding.type)) return { name, binding };
  }
  throw new Error(`function ${metadata.name} has no trigger binding`);
}
