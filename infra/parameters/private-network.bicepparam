// No public endpoint of storage and vault; both registries are reached through private endpoints. Only the company's
// addresses may call.

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
    events: {}
  }
]

param settings = {
  ALLOWED_SOURCES: 'dev.azurecr.io'
}

param subscribeToEvents = true
