// What `azd up` deploys, and the start of a file of your own. docs/deploy.md explains each parameter that is needed often.

using 'main.bicep'

param registries = [
  {
    resourceId: readEnvironmentVariable(
      'DRAYAGE_REGISTRY_ID',
      '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod'
    )
    access: 'push'
    mode: 'rbac'
  }
]

param settings = {
  ALLOWED_SOURCES: readEnvironmentVariable('DRAYAGE_ALLOWED_SOURCES', 'docker.io,ghcr.io,quay.io,mcr.microsoft.com')
}

param secretsKey = readEnvironmentVariable('DRAYAGE_SECRETS_KEY', '')

param subscribeToEvents = bool(readEnvironmentVariable('DRAYAGE_SUBSCRIBE', 'false'))
