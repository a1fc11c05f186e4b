// The system topic of a registry, which can have one. Runs in the resource group of the registry.

@description('Name of the topic.')
param name string

@description('Region of the registry.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the registry.')
param registryId string

@description('Resource id of the identity that undeliverable events are written with.')
param identityId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    source: registryId
    topicType: 'Microsoft.ContainerRegistry.Registries'
  }
}
