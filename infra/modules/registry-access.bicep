// What Drayage's identity may do at one Azure Container Registry. Runs in the resource group of the registry.

import { repositoryCondition, roleIds } from 'roles.bicep'
import { Registry } from 'types.bicep'

@description('The registry, and what is wanted of it.')
param registry Registry

@description('Resource id of the identity of the app: names of role assignments are made from it, known before anything is deployed.')
param identityId string

@description('Object id of the identity of the app.')
param principalId string

var isAbac = registry.mode == 'abac'
var contentRole = registry.access == 'push'
  ? (isAbac ? roleIds.repositoryWriter : roleIds.acrPush)
  : (isAbac ? roleIds.repositoryReader : roleIds.acrPull)
var repositories = registry.?repositories ?? []
var condition = empty(repositories) ? null : repositoryCondition(registry.access, repositories)

resource existing 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: last(split(registry.resourceId, '/'))
}

resource content 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(existing.id, identityId, contentRole)
  scope: existing
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contentRole)
    principalId: principalId
    principalType: 'ServicePrincipal'
    // With the roles of mode rbac a condition would be ignored: the registry would be open as a whole.
    condition: isAbac || empty(repositories) ? condition : fail('repositories of ${registry.resourceId} need mode abac')
    conditionVersion: isAbac && !empty(repositories) ? '2.0' : null
  }
}

resource listing 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (isAbac && (registry.?listRepositories ?? false)) {
  name: guid(existing.id, identityId, roleIds.repositoryCatalogLister)
  scope: existing
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.repositoryCatalogLister)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource delegation 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (registry.?delegate ?? false) {
  name: guid(existing.id, identityId, roleIds.registryDataImporter)
  scope: existing
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.registryDataImporter)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Host of the registry. It cannot be told from its name: a domain name label adds a hash.')
output loginServer string = existing.properties.loginServer

@description('Region of the registry.')
output location string = existing.location

@description('Preset of the setting REGISTRIES for what the tier of the registry grants a minute.')
output limits string = 'acr-${toLower(existing.sku.name)}'
