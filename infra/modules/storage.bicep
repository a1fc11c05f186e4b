// The storage account: state of the host and of Drayage, the deployment package, and events that could not be delivered.

import { roleIds } from 'roles.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Redundancy of the account.')
param sku string

@description('Reachable through private endpoints only.')
param isPrivate bool

@description('Event Grid writes undeliverable events to it.')
param takesDeadLetters bool

@description('Resource id of the identity of the app: names of role assignments are made from it, known before anything is deployed.')
param identityId string

@description('Object id of the identity of the app.')
param principalId string

@description('Resource id of the identity that Event Grid writes undeliverable events with.')
param eventsIdentityId string

@description('Object id of that identity.')
param eventsPrincipalId string

@description('Days that undeliverable events are kept.')
param deadLetterDays int

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

// The Durable Task extension and the host lease and lock blobs, which a Contributor cannot do everywhere: Owner it is.
var appRoles = [
  roleIds.storageBlobDataOwner
  roleIds.storageQueueDataContributor
  roleIds.storageTableDataContributor
]
var deadLetterContainer = 'dead-letters'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      bypass: takesDeadLetters ? 'AzureServices' : 'None'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: {
        enabled: true
        days: 7
      }
    }

    resource packages 'containers' = {
      name: 'packages'
    }

    resource deadLetters 'containers' = if (takesDeadLetters) {
      name: deadLetterContainer
    }
  }

  resource queues 'queueServices' = {
    name: 'default'
  }

  resource tables 'tableServices' = {
    name: 'default'
  }

  resource lifecycle 'managementPolicies' = if (takesDeadLetters) {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'expire-${deadLetterContainer}'
            type: 'Lifecycle'
            definition: {
              filters: {
                blobTypes: ['blockBlob']
                prefixMatch: ['${deadLetterContainer}/']
              }
              actions: {
                baseBlob: {
                  delete: {
                    daysAfterModificationGreaterThan: deadLetterDays
                  }
                }
              }
            }
          }
        ]
      }
    }
  }
}

resource appAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in appRoles: {
    name: guid(account.id, identityId, role)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource deadLetterAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (takesDeadLetters) {
  name: guid(account::blobs::deadLetters.id, eventsIdentityId, roleIds.storageBlobDataContributor)
  scope: account::blobs::deadLetters
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roleIds.storageBlobDataContributor
    )
    principalId: eventsPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'drayage'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource queueLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'drayage'
  scope: account::queues
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'drayage'
  scope: account::tables
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('URL of the container that deployment packages are put into.')
output packagesUrl string = '${account.properties.primaryEndpoints.blob}${account::blobs::packages.name}'

@description('Name of the container of undeliverable events.')
output deadLetterContainer string = deadLetterContainer
