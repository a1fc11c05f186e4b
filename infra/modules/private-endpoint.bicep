// One private endpoint, and its names in a private DNS zone.

@description('Region of the network.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the endpoint.')
param name string

@description('Resource id of what is reached.')
param targetId string

@description('Which service of it: blob, queue, table, vault or registry.')
param groupId 'blob' | 'queue' | 'table' | 'vault' | 'registry'

@description('Resource id of the subnet of the endpoint.')
param subnetId string

@description('Puts the names of the endpoint into the DNS zone.')
param registersNames bool

@description('Resource id of the private DNS zone.')
param dnsZoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [groupId]
        }
      }
    ]
  }

  resource names 'privateDnsZoneGroups' = if (registersNames) {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: groupId
          properties: {
            privateDnsZoneId: dnsZoneId
          }
        }
      ]
    }
  }
}
