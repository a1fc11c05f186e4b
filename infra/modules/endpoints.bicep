// The private endpoints of everything that Drayage reaches in a virtual network. One after another: a storage account or
// registry that is given two at once refuses one of them (StorageAccountOperationInProgress), and a subnet does at times.

import { DnsZoneIds } from 'types.bicep'

@description('Region of the network.')
param location string

@description('Tags of every resource.')
param tags object

@description('Names of resources end with this.')
param name string

@description('Resource id of the subnet of the endpoints.')
param subnetId string

@description('Puts the names of the endpoints into the DNS zones. Else somebody else does.')
param registersNames bool

@description('Resource ids of the private DNS zones.')
param dnsZoneIds DnsZoneIds?

@description('Resource id of the storage account.')
param storageAccountId string

@description('Resource id of the Key Vault.')
param keyVaultId string

@description('Resource ids of registries.')
param registryIds string[]

@batchSize(1)
module storage 'private-endpoint.bicep' = [
  for service in ['blob', 'queue', 'table']: {
    params: {
      location: location
      tags: tags
      name: 'pe-${name}-${service}'
      targetId: storageAccountId
      groupId: service
      subnetId: subnetId
      registersNames: registersNames
      dnsZoneId: dnsZoneIds[?service] ?? ''
    }
  }
]

module vault 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    name: 'pe-${name}-vault'
    targetId: keyVaultId
    groupId: 'vault'
    subnetId: subnetId
    registersNames: registersNames
    dnsZoneId: dnsZoneIds.?vault ?? ''
  }
  dependsOn: [storage]
}

@batchSize(1)
module registries 'private-endpoint.bicep' = [
  for registryId in registryIds: {
    params: {
      location: location
      tags: tags
      name: 'pe-${name}-${last(split(registryId, '/'))}'
      targetId: registryId
      groupId: 'registry'
      subnetId: subnetId
      registersNames: registersNames
      dnsZoneId: dnsZoneIds.?registry ?? ''
    }
    dependsOn: [vault]
  }
]
