// Registries with ABAC repository permissions: Drayage writes to two places of the target and reads one of the source.

using '../main.bicep'

var group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries'

param location = 'westeurope'

param alwaysReadyInstances = 0

param registries = [
  {
    resourceId: '${group}/prod'
    access: 'push'
    mode: 'abac'
    repositories: ['mirror/*', 'base/alpine']
  }
  {
    resourceId: '${group}/dev'
    access: 'pull'
    mode: 'abac'
    repositories: ['team/*']
    listRepositories: true
  }
]

param settings = {
  ALLOWED_SOURCES: 'docker.io'
}
