export interface DurableClientInputOptions {
  /** Origin of the host, without a trailing slash. */
  readonly url: string;
  readonly hubName: string;
  /** System key that the links carry; nothing checks it unless the host was given keys. */
  readonly code: string;
}

/** The links of one instance, as starts and the client input show them. `rewindPostUri` stands only in the latter. */
export function instanceLinks({ url, hubName, code }: DurableClientInputOptions, instanceId: string) {
  const instance = `${url}/runtime/webhooks/durabletask/instances/${encodeURIComponent(instanceId)}`;
  const query = `taskHub=${hubName}&connection=Storage&code=${code}`;
  return {
    id: instanceId,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** The JSON of a `durableClient` input. Source: test/host/golden-http/client-input.json, recorded on the genuine host. */
export function durableClientInput(options: DurableClientInputOptions): string {
  const { url, hubName, code } = options;
  const baseUrl = `${url}/runtime/webhooks/durabletask`;
  const create = `${baseUrl}/orchestrators/{functionName}[/{instanceId}]`;
  return JSON.stringify({
    taskHubName: hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${create}?code=${code}`,
      createAndWaitOnNewInstancePostUri: `${create}?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=${code}`,
    },
    managementUrls: instanceLinks(options, "INSTANCEID"),
    baseUrl,
    requiredQueryStringParameters: `code=${code}`,
    rpcBaseUrl: `${url}/durabletask/`,
    httpBaseUrl: null,
    maxGrpcMessageSizeInBytes: null,
    grpcHttpClientTimeout: null,
  });
}
