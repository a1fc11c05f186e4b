// Sends pushes at one registry to the function onRegistryEvent. Runs in the resource group of the registry.

import { systemTopicName } from 'names.bicep'
import { Registry } from 'types.bicep'

@description('The registry, and which pushes are sent.')
param registry Registry

@description('Region of the registry, where its system topic must be.')
param location string

@description('Tags of every resource.')
param tags object

@description('Suffix of the deployment, which tells the subscriptions and diagnostic settings of several apart.')
param suffix string

@description('Resource id of the function that takes events. It is there once the code is deployed.')
param functionId string

@description('Resource id of the identity that undeliverable events are written with.')
param identityId string

@description('Resource id of the storage account of undeliverable events.')
param storageAccountId string

@description('Container of undeliverable events.')
param deadLetterContainer string

@description('Tries before an event is given up.')
param maxDeliveryAttempts int

@description('Minutes before an event is given up.')
param timeToLiveMinutes int

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

var subscriptionName = 'drayage-${suffix}'
var topicName = registry.?events.?topicName ?? systemTopicName(last(split(registry.resourceId, '/')), suffix)

module madeTopic 'system-topic.bicep' = if (registry.?events.?topicName == null) {
  params: {
    name: topicName
    location: location
    tags: tags
    registryId: registry.resourceId
    identityId: identityId
  }
}

// Made above, or there already: then somebody else's, and not written to. A template may name a resource only once.
resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName

  resource subscription 'eventSubscriptions' = {
    name: subscriptionName
    properties: {
      eventDeliverySchema: 'EventGridSchema'
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: functionId
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      filter: {
        includedEventTypes: [
          'Microsoft.ContainerRegistry.ImagePushed'
          'Microsoft.ContainerRegistry.ChartPushed'
        ]
        subjectBeginsWith: registry.?events.?repositoryPrefix ?? ''
        isSubjectCaseSensitive: true
      }
      retryPolicy: {
        maxDeliveryAttempts: maxDeliveryAttempts
        eventTimeToLiveInMinutes: timeToLiveMinutes
      }
      deadLetterWithResourceIdentity: {
        identity: {
          type: 'UserAssigned'
          userAssignedIdentity: identityId
        }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: {
            resourceId: storageAccountId
            blobContainerName: deadLetterContainer
          }
        }
      }
    }
    dependsOn: [madeTopic]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: subscriptionName
  scope: topic
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
  dependsOn: [madeTopic]
}

@description('Resource id of the system topic.')
output topicId string = topic.id

@description('Name of the subscription to it.')
output subscriptionName string = subscriptionName
