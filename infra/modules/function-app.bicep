// The Function app on a Flex Consumption plan, and its application settings.

import { SignIn, VaultSettings, Settings } from 'types.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Names of resources end with this.')
param name string

@description('Major version of Node.js.')
param nodeVersion string

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Most instances at once of each group of functions.')
param maximumInstanceCount int

@description('Parts that the limits of registries are divided into.')
param limitShares int

@description('Instances that are always there for orchestrations and activities.')
param alwaysReadyInstances int

@description('Starts a worker process with arguments and an environment of its own.')
param ownWorker bool

@description('The identity of the app.')
param identity { id: string, clientId: string }

@description('Name of the storage account.')
param storageAccountName string

@description('URL of the container that deployment packages are put into.')
param packagesUrl string

@description('Connection string of Application Insights.')
param insightsConnectionString string

@description('Name of the Key Vault.')
param keyVaultName string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Resource id of the subnet that the app goes out of. Empty: none.')
param subnetId string

@description('Address ranges that may call the app. None: everybody who has a key or a token.')
param inboundRanges string[]

@description('Event Grid may call the app, too.')
param takesEvents bool

@description('Sign-in of App Service before the app.')
param signIn SignIn?

@description('The registries that the identity signs in at.')
param registries { host: string, resourceId: string, access: string, isSource: bool, limits: string }[]

@description('Further entries of the setting REGISTRIES.')
param otherRegistries object[]

@description('Application settings of Drayage.')
param settings Settings

@description('Settings that are secrets of the vault.')
param vaultSettings VaultSettings

@description('Application settings of the host, of Node.js and of libraries.')
param hostSettings object

@description('Such settings that are secrets of the vault.')
param hostVaultSettings object

var targets = map(filter(registries, registry => registry.access == 'push'), registry => registry.host)
var signIns = map(registries, registry => {
  host: registry.host
  resourceId: registry.resourceId
  limits: registry.limits
  auth: {
    kind: 'entra'
  }
})

// The operator's list and the registries that the parameters name as sources. Without that list any public host is allowed.
var sources = concat(
  map(filter(registries, registry => registry.isSource), registry => registry.host),
  map(otherRegistries, registry => registry.host)
)
var sourceSettings = empty(settings.?ALLOWED_SOURCES)
  ? {}
  : { ALLOWED_SOURCES: join(union(split(settings.?ALLOWED_SOURCES ?? '', ','), sources), ',') }

// What the parameters and the cloud tell. Settings of the operator go before.
var derivedSettings = {
  DEFAULT_TARGET: empty(targets) ? '' : targets[0]
  ALLOWED_TARGETS: join(targets, ',')
  REGISTRIES: empty(registries) && empty(otherRegistries) ? '' : string(concat(signIns, otherRegistries)) // else no file could have them
  REGISTRY_SUFFIX: substring(environment().suffixes.acrLoginServer, 1)
  ARM_AUTHORITY: environment().authentication.loginEndpoint
  ARM_AUDIENCES: join(environment().authentication.audiences, ',')
  ...(signIn == null ? {} : { API_SIGN_IN: 'platform' })
}

func vaultReferences(vaultName string, secretNames object) object =>
  mapValues(secretNames, secret => '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=${secret})')

// Drayage's own go before.
var otherSettings = union(hostSettings, vaultReferences(keyVaultName, hostVaultSettings))

var fixedSettings = {
  AzureWebJobsStorage__blobServiceUri: 'https://${storageAccountName}.blob.${environment().suffixes.storage}'
  AzureWebJobsStorage__queueServiceUri: 'https://${storageAccountName}.queue.${environment().suffixes.storage}'
  AzureWebJobsStorage__tableServiceUri: 'https://${storageAccountName}.table.${environment().suffixes.storage}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.clientId
  KEY_VAULT_URL: 'https://${keyVaultName}${environment().suffixes.keyvaultDns}'
  AzureWebJobsDisableHomepage: 'true' // the dashboard is there
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
  // Each instance keeps to its share of a registry's limits, so that all together keep to them.
  LIMIT_SHARES: string(limitShares)
}

// As src/local/service-process.ts has them, with the reasons. The host ends the worker that waits for an app when it is
// to have arguments; without that, the environment would come too late for the allocator.
var workerSettings = ownWorker
  ? {
      languageWorkers__node__arguments: '--max-semi-space-size=4 --heap-growing-percent=70'
      MALLOC_TRIM_THRESHOLD_: '67108864'
      MALLOC_ARENA_MAX: '2'
    }
  : {}

var eventGridRule = {
  name: 'event-grid'
  priority: 200
  action: 'Allow'
  tag: 'ServiceTag'
  ipAddress: 'AzureEventGrid'
}

// What asks for a key, a secret or a token itself, and is called by what has no session. What is not in use is not left open.
var hasArmRoutes = settings.?ARM_TENANT_ID != null || vaultSettings.?API_KEYS != null
var pathsWithoutSignIn = concat(
  ['/api/health'],
  ['/admin/*'], // the host asks for its own key; deployments to Flex Consumption call it (Azure/azure-functions-core-tools#4196)
  vaultSettings.?HOOK_SECRETS == null ? [] : ['/api/hooks/*'],
  takesEvents ? ['/runtime/webhooks/EventGrid'] : [],
  hasArmRoutes ? ['/subscriptions', '/subscriptions/*', '/tenants', '/metadata/endpoints'] : []
)
var allowedPrincipals = signIn.?allowedPrincipals ?? []

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${name}'
  location: location
  tags: union(tags, { 'azd-service-name': 'drayage' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'durable'
                instanceCount: alwaysReadyInstances
              }
            ]
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packagesUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
    }
    // Of its other properties Azure refuses some on this plan; packages come without FTP, whose passwords are off below.
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: empty(inboundRanges) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictionsUseMain: true
      ipSecurityRestrictions: empty(inboundRanges)
        ? []
        : concat(
            map(range(0, length(inboundRanges)), at => {
              name: 'caller-${at}'
              priority: 100 + at
              action: 'Allow'
              ipAddress: inboundRanges[at]
            }),
            takesEvents ? [eventGridRule] : []
          )
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: union(
      otherSettings,
      derivedSettings,
      settings,
      sourceSettings,
      vaultReferences(keyVaultName, vaultSettings),
      fixedSettings,
      workerSettings
    )
    dependsOn: [
      authentication // with API_SIGN_IN the app does not start while it is off
    ]
  }

  resource authentication 'config' = if (signIn != null) {
    name: 'authsettingsV2'
    properties: {
      platform: {
        enabled: true
      }
      globalValidation: {
        requireAuthentication: true
        unauthenticatedClientAction: 'RedirectToLoginPage'
        redirectToProvider: 'azureactivedirectory'
        excludedPaths: pathsWithoutSignIn
      }
      httpSettings: {
        requireHttps: true
      }
      login: {
        preserveUrlFragmentsForLogins: true // the dashboard's places are fragments
        tokenStore: {
          enabled: false // nobody asks for the tokens
        }
      }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: signIn.?clientId
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          }
          validation: {
            allowedAudiences: ['api://${signIn.?clientId}']
            ...(empty(allowedPrincipals) // an empty policy might let nobody in
              ? {}
              : {
                  defaultAuthorizationPolicy: {
                    allowedPrincipals: {
                      identities: allowedPrincipals
                    }
                  }
                })
          }
        }
      }
    }
  }

  // Packages come by Microsoft Entra only: no publishing passwords.
  resource noFtpPassword 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }

  resource noScmPassword 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }
}

resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'drayage'
  scope: app
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the app.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Where the app answers.')
output endpoint string = 'https://${app.properties.defaultHostName}'
