/**
 * Whether `host` serves the layers, or is a regional endpoint, of an Azure Container Registry among `registries`: they
 * are in the private network that the registry is in. A region is one label of the name.
 * Source: learn.microsoft.com, container-registry-dedicated-data-endpoints and container-registry-geo-replication.
 */
export function isDataHostOf(host: string, registries: readonly string[]): boolean {
  const [, name, suffix] = /^([a-z0-9-]+)\.[a-z0-9]+\.(?:data|geo)\.(azurecr\.(?:io|cn|us))$/.exec(host) ?? [];
  if (name === undefined) return false;
  return registries.some((registry) => {
    const [, itsName, itsSuffix] = /^([a-z0-9-]+)(?:\.[a-z0-9]+\.geo)?\.(azurecr\.(?:io|cn|us))$/.exec(registry) ?? [];
    return itsName === name && itsSuffix === suffix;
  });
}
