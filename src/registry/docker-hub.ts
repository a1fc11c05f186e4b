const apiHost = "registry-1.docker.io";

/** The host whose API serves a registry's name. */
export function apiHostOf(registry: string): string {
  return registry === "docker.io" || registry === "index.docker.io" ? apiHost : registry;
}

/** The name that settings have for a host's registry: whatever they call Docker Hub, they are read as saying `docker.io`. */
export function registryAt(host: string): string {
  return host === apiHost ? "docker.io" : host;
}
