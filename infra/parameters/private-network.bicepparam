// No public endpoint of storage and vault; both registries are reached through private endpoints. Only the company's
// addresses may call. The source has a system topic already, which others have subscribed to as well.

using '../main.bicep'

var group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries'

param location = 'westeurope'

param nodeVersion = '24'

param instanceMemoryMB = 4096

param maximumInstanceCount = 40

param limitShares = 8

param ownWorker = true

param storageSku = 'Standard_ZRS'

param network = {
  kind: 'new'
  addressPrefix: '10.60.0.0/24'
  appSubnetPrefix: '10.60.0.0/26'
  endpointSubnetPrefix: '10.60.0.64/26'
}

param inboundRanges = ['203.0.113.0/24']

param registries = [
  {
    resourceId: '${group}/prod'
    access: 'push'
    mode: 'rbac'
    privateEndpoint: true
  }
  {
    resourceId: '${group}/dev'
    access: 'pull'
    mode: 'rbac'
    privateEndpoint: true
    events: {
      topicName: 'registry-pushes'
    }
  }
]

param settings = {
  ALLOWED_SOURCES: 'dev.azurecr.io'
}

param hostSettings = {
  AzureFunctionsJobHost__extensions__queues__maxPollingInterval: '00:00:10'
}

param vaultSettings = {
  API_KEYS: 'drayage-api-keys'
}

param secretNames = ['drayage-api-keys']

param secretValues = {
  'drayage-api-keys': readEnvironmentVariable('DRAYAGE_API_KEYS', '')
}

param subscribeToEvents = true
