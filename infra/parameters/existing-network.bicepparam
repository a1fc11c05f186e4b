// Into a virtual network that is there already, with private DNS zones that somebody else keeps in another resource group.

using '../main.bicep'

var subscription = '/subscriptions/11111111-2222-3333-4444-555555555555'
var vnet = '${subscription}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/spoke'
var zones = '${subscription}/resourceGroups/dns/providers/Microsoft.Network/privateDnsZones'

param location = 'westeurope'

param network = {
  kind: 'existing'
  appSubnetId: '${vnet}/subnets/drayage'
  endpointSubnetId: '${vnet}/subnets/private-endpoints'
  dnsZoneIds: {
    blob: '${zones}/privatelink.blob.core.windows.net'
    queue: '${zones}/privatelink.queue.core.windows.net'
    table: '${zones}/privatelink.table.core.windows.net'
    vault: '${zones}/privatelink.vaultcore.azure.net'
    registry: '${zones}/privatelink.azurecr.io'
  }
}

param registries = [
  {
    resourceId: '${subscription}/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/prod'
    access: 'push'
    mode: 'rbac'
    privateEndpoint: true
  }
]
