// Drayage beside registries: what docs/deploy.md describes, with least privilege. Everything is made in one resource group;
// role assignments and event subscriptions go into the resource groups of the registries.

targetScope = 'resourceGroup'

import { assertName } from 'modules/names.bicep'
import { Alerts, Network, Registry, SignIn, VaultSettings, Settings } from 'modules/types.bicep'

@description('Region. Flex Consumption must be there: az functionapp list-flexconsumption-locations.')
param location string = resourceGroup().location

@description('Tags of every resource.')
param tags object = {}

@description('Short name; the names of all resources are made from it and from the resource group. Lower-case letters, digits and single hyphens between them: vault and storage account take nothing else.')
@minLength(2)
@maxLength(12)
param name string = 'drayage'

@description('Major version of Node.js.')
@allowed(['22', '24'])
param nodeVersion string = '22'

@description('Memory of an instance, in MB. 24 activities run in one, with 96 MiB of buffers and about 300 MiB around them.')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances at once of each group of functions: HTTP, orchestrations with their steps, and every other function by itself. Some regions ask for 40 at least.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 4

@description('Parts that the limits of registries are divided into, one for each instance that copies. Lower than maximumInstanceCount where a region asks for more instances than there is work for.')
@minValue(1)
@maxValue(1000)
param limitShares int = maximumInstanceCount

@description('Instances that are always there for orchestrations and their steps. HTTP and queues have others, which start when they are needed.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 1

@description('Starts a worker process with the memory settings of npm start. It takes the place of one that Azure has started already: less memory, and later starts.')
param ownWorker bool = false

@description('Redundancy of the storage account.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_LRS'

@description('Azure Container Registries that Drayage signs in at with its identity. The first one with access push is the default target.')
@maxLength(50)
param registries Registry[]

@description('Further entries of the setting REGISTRIES, as docs/configuration.md describes them. No secrets: name them by auth.secret, or give all of REGISTRIES by vaultSettings.')
param otherRegistries object[] = []

@description('Application settings, over those that follow from other parameters.')
param settings Settings = {}

@description('Settings that are secrets of the Key Vault, by the names of the secrets.')
param vaultSettings VaultSettings = {}

@description('Application settings of the host, of Node.js and of libraries, such as AzureFunctionsJobHost__… and NODE_EXTRA_CA_CERTS. Those that Drayage sets itself go before.')
param hostSettings object = {}

@description('Such settings that are secrets of the Key Vault, by the names of the secrets.')
param hostVaultSettings object = {}

@description('Names of secrets that this deployment puts into the vault: it gets in where a private network shuts everybody else out.')
@maxLength(100)
param secretNames string[] = []

@secure()
@description('Values of secretNames, by name. A secret without a value is left as it is.')
param secretValues object = {}

@secure()
@description('Key that seals what only Drayage may read again: openssl rand -base64 32. Stored in the vault under the name that vaultSettings.SECRETS_KEY gives. Empty: the one that the vault has, or one that is made.')
param secretsKey string = ''

@secure()
@description('What that key is made of where the vault has none. Leave it alone.')
param keySeed string = newGuid()

@description('Virtual network and private endpoints.')
param network Network = { kind: 'none' }

@description('Address ranges (CIDR) that may call the app. None: everybody who has a key or a token.')
@maxLength(100)
param inboundRanges string[] = []

@description('Sign-in of App Service before the app, instead of function keys. Not given: nothing is changed about it.')
param signIn SignIn?

@description('Subscribes to the events of registries. The function that takes them must be deployed: false for the first time.')
param subscribeToEvents bool = false

@description('Tries before Event Grid gives an event up.')
@minValue(1)
@maxValue(30)
param eventDeliveryAttempts int = 30

@description('Minutes before Event Grid gives an event up.')
@minValue(1)
@maxValue(1440)
param eventTimeToLiveMinutes int = 1440

@description('Days that events which could not be delivered are kept.')
@minValue(1)
@maxValue(365)
param deadLetterDays int = 30

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('When people are woken, and who.')
param alerts Alerts = {}

var suffix = uniqueString(resourceGroup().id, name)
var fullName = '${assertName(name)}-${suffix}'
var keyVaultName = take('kv-${fullName}', 24)
var isPrivate = network.kind != 'none'
var askedPrivately = map(filter(registries, registry => registry.?privateEndpoint ?? false), registry => registry.resourceId)
var privateRegistryIds = isPrivate || empty(askedPrivately)
  ? askedPrivately
  : fail('privateEndpoint of ${askedPrivately[0]} needs a network of kind new or existing')
var takesEvents = !empty(filter(registries, registry => registry.?events != null))
var sealingKeyName = vaultSettings.?SECRETS_KEY ?? 'drayage-secrets-key'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${fullName}'
  location: location
  tags: tags
}

// An identity of its own: Event Grid writes into one container, and the app's identity may do far more.
resource eventsIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (takesEvents) {
  name: 'id-${fullName}-events'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    location: location
    tags: tags
    name: fullName
    retentionDays: logRetentionDays
    identityId: identity.id
    principalId: identity.properties.principalId
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    location: location
    tags: tags
    name: take('st${replace(name, '-', '')}${suffix}', 24)
    sku: storageSku
    isPrivate: isPrivate
    takesDeadLetters: takesEvents
    deadLetterDays: deadLetterDays
    identityId: identity.id
    principalId: identity.properties.principalId
    eventsIdentityId: eventsIdentity.id
    eventsPrincipalId: takesEvents ? eventsIdentity!.properties.principalId : ''
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  params: {
    location: location
    tags: tags
    name: keyVaultName
    isPrivate: isPrivate
    identityId: identity.id
    principalId: identity.properties.principalId
    workspaceId: monitoring.outputs.workspaceId
    sealingKeyName: sealingKeyName
    secretsKey: secretsKey
    keySeed: keySeed
    secretNames: secretNames
    secretValues: secretValues
  }
}

module registryAccess 'modules/registry-access.bicep' = [
  for registry in registries: {
    scope: resourceGroup(split(registry.resourceId, '/')[2], split(registry.resourceId, '/')[4])
    params: {
      registry: registry
      identityId: identity.id
      principalId: identity.properties.principalId
    }
  }
]

module newNetwork 'modules/network.bicep' = if (network.kind == 'new') {
  params: {
    location: location
    tags: tags
    name: fullName
    addressPrefix: network.addressPrefix
    appSubnetPrefix: network.appSubnetPrefix
    endpointSubnetPrefix: network.endpointSubnetPrefix
  }
}

module endpoints 'modules/endpoints.bicep' = if (isPrivate) {
  params: {
    location: location
    tags: tags
    name: fullName
    subnetId: network.kind == 'new' ? newNetwork!.outputs.endpointSubnetId : network.endpointSubnetId
    registersNames: network.kind == 'new' || network.?dnsZoneIds != null
    dnsZoneIds: network.kind == 'new' ? newNetwork!.outputs.dnsZoneIds : network.?dnsZoneIds
    storageAccountId: storage.outputs.id
    keyVaultId: keyVault.outputs.id
    registryIds: privateRegistryIds
  }
}

module app 'modules/function-app.bicep' = {
  params: {
    location: location
    tags: tags
    name: fullName
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    limitShares: limitShares
    alwaysReadyInstances: alwaysReadyInstances
    ownWorker: ownWorker
    identity: {
      id: identity.id
      clientId: identity.properties.clientId
    }
    storageAccountName: storage.outputs.name
    packagesUrl: storage.outputs.packagesUrl
    insightsConnectionString: monitoring.outputs.connectionString
    keyVaultName: keyVaultName
    workspaceId: monitoring.outputs.workspaceId
    subnetId: !isPrivate ? '' : network.kind == 'new' ? newNetwork!.outputs.appSubnetId : network.appSubnetId
    inboundRanges: inboundRanges
    takesEvents: takesEvents
    signIn: signIn
    registries: [
      for (registry, at) in registries: {
        host: registryAccess[at].outputs.loginServer
        resourceId: registry.resourceId
        access: registry.access
        isSource: registry.access == 'pull' || registry.?events != null
        limits: registryAccess[at].outputs.limits
      }
    ]
    otherRegistries: otherRegistries
    settings: settings
    vaultSettings: union({ SECRETS_KEY: sealingKeyName }, vaultSettings)
    hostSettings: hostSettings
    hostVaultSettings: hostVaultSettings
  }
  dependsOn: [
    keyVault // a reference that cannot be resolved yet would be passed to the app as text
    endpoints // the first start reads storage and vault, which are closed to everything else
  ]
}

module registryEvents 'modules/registry-events.bicep' = [
  for (registry, at) in registries: if (subscribeToEvents && registry.?events != null) {
    scope: resourceGroup(split(registry.resourceId, '/')[2], split(registry.resourceId, '/')[4])
    params: {
      registry: registry
      location: registryAccess[at].outputs.location
      tags: tags
      suffix: suffix
      functionId: '${app.outputs.id}/functions/onRegistryEvent'
      identityId: eventsIdentity.id
      storageAccountId: storage.outputs.id
      deadLetterContainer: storage.outputs.deadLetterContainer
      maxDeliveryAttempts: eventDeliveryAttempts
      timeToLiveMinutes: eventTimeToLiveMinutes
      workspaceId: monitoring.outputs.workspaceId
    }
  }
]

module deadLetterAlerts 'modules/dead-letter-alert.bicep' = [
  for (registry, at) in registries: if (subscribeToEvents && registry.?events != null) {
    params: {
      tags: tags
      name: '${fullName}-dead-letters-${last(split(registry.resourceId, '/'))}'
      registryName: last(split(registry.resourceId, '/'))
      topicId: registryEvents[at]!.outputs.topicId
      subscriptionName: registryEvents[at]!.outputs.subscriptionName
      actionGroupIds: alerts.?actionGroupIds ?? []
    }
  }
]

module alertRules 'modules/alerts.bicep' = {
  params: {
    location: location
    tags: tags
    name: fullName
    workspaceId: monitoring.outputs.workspaceId
    alerts: alerts
  }
}

module workbook 'modules/workbook.bicep' = {
  params: {
    location: location
    tags: tags
    name: name
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('Where Drayage answers: DRAYAGE_ENDPOINT of the command line client.')
output endpoint string = app.outputs.endpoint

@description('Name of the Function app, which the package is deployed to.')
output functionAppName string = app.outputs.name

@description('Resource id of the Function app.')
output functionAppId string = app.outputs.id

@description('Resource id of the identity that undeliverable events are written with, which a system topic must have. Empty: no registry has events.')
output eventsIdentityId string = takesEvents ? eventsIdentity.id : ''

@description('Client id of the identity of the app.')
output identityClientId string = identity.properties.clientId

@description('Object id of the identity of the app, for role assignments elsewhere.')
output identityPrincipalId string = identity.properties.principalId

@description('Name of the Key Vault, which secrets are put into.')
output keyVaultName string = keyVaultName

@description('Name of the storage account.')
output storageAccountName string = storage.outputs.name
