// A virtual network with one subnet for the app and one for private endpoints, and the DNS zones of these.

import { DnsZoneIds } from 'types.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Names of resources begin with this.')
param name string

@description('Addresses of the virtual network.')
param addressPrefix string

@description('Addresses of the subnet that the app goes out of.')
param appSubnetPrefix string

@description('Addresses of the subnet of the private endpoints.')
param endpointSubnetPrefix string

var suffixes = environment().suffixes
var zones = {
  blob: 'privatelink.blob.${suffixes.storage}'
  queue: 'privatelink.queue.${suffixes.storage}'
  table: 'privatelink.table.${suffixes.storage}'
  vault: 'privatelink${replace(suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  registry: 'privatelink${suffixes.acrLoginServer}'
}

resource appRules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}-app'
  location: location
  tags: tags
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: 'nsg-${name}-endpoints'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appSubnetPrefix
          networkSecurityGroup: {
            id: appRules.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointSubnetPrefix
          networkSecurityGroup: {
            id: endpointRules.id
          }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource endpointSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource dnsZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in items(zones): {
    name: zone.value
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, at) in items(zones): {
    parent: dnsZones[at]
    name: network.name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

@description('Resource id of the subnet of the app.')
output appSubnetId string = network::appSubnet.id

@description('Resource id of the subnet of the private endpoints.')
output endpointSubnetId string = network::endpointSubnet.id

@description('Resource ids of the private DNS zones.')
output dnsZoneIds DnsZoneIds = {
  blob: resourceId('Microsoft.Network/privateDnsZones', zones.blob)
  queue: resourceId('Microsoft.Network/privateDnsZones', zones.queue)
  table: resourceId('Microsoft.Network/privateDnsZones', zones.table)
  vault: resourceId('Microsoft.Network/privateDnsZones', zones.vault)
  registry: resourceId('Microsoft.Network/privateDnsZones', zones.registry)
}
