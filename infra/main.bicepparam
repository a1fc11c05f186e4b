// What `azd up` deploys, and the start of a file of your own. docs/deploy.md explains each parameter that is needed often.

using 'main.bicep'

param registries = [
  {
    resourceId: readEnvironmentVariable('DRAYAGE_REGISTRY_ID')
    access: 'push'
    mode: readEnvironmentVariable('DRAYAGE_REGISTRY_MODE', '') == 'AbacRepositoryPermissions' ? 'abac' : 'rbac'
  }
]

param settings = {
  ALLOWED_SOURCES: readEnvironmentVariable('DRAYAGE_ALLOWED_SOURCES', 'docker.io,ghcr.io,quay.io,mcr.microsoft.com')
}

param secretsKey = readEnvironmentVariable('DRAYAGE_SECRETS_KEY', '')

param subscribeToEvents = bool(readEnvironmentVariable('DRAYAGE_SUBSCRIBE', 'false'))
