// Secrets of registries, of callers, and the key that seals credentials of requests.

import { roleIds } from 'roles.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Reachable through private endpoints only.')
param isPrivate bool

@description('Resource id of the identity of the app: names of role assignments are made from it, known before anything is deployed.')
param identityId string

@description('Object id of the identity that reads secrets.')
param principalId string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Name of the secret with the key that seals credentials.')
param sealingKeyName string

@secure()
@description('That key. Empty: what the vault has, or a new one.')
param secretsKey string

@secure()
@description('A GUID that nobody knows, which a new key is made of.')
param keySeed string

@description('Names of other secrets.')
param secretNames string[]

@secure()
@description('Their values. One without a value is left alone.')
param secretValues object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
      bypass: 'None'
    }
  }
}

// Its key has the name of the one below. Of two resources of one name Azure takes the first, whatever their conditions say.
module secrets 'secrets.bicep' = {
  params: {
    vaultName: vault.name
    names: union(secretNames, [sealingKeyName])
    values: union(secretValues, empty(secretsKey) ? {} : { '${sealingKeyName}': secretsKey })
  }
}

// Once: another key would open nothing of what the former one has sealed.
@onlyIfNotExists()
resource madeKey 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (empty(secretsKey) && empty(secretValues[?sealingKeyName])) {
  parent: vault
  name: sealingKeyName
  properties: {
    value: base64(replace(keySeed, '-', '')) // 32 bytes
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identityId, roleIds.keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'drayage'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the vault.')
output id string = vault.id
