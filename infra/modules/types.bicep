// The shapes of the parameters, and what is derived from them by pure functions.

@export()
@sealed()
@description('An Azure Container Registry that Drayage imports into or from with its own identity.')
type Registry = {
  @description('Resource id of the registry: /subscriptions/…/resourceGroups/…/providers/Microsoft.ContainerRegistry/registries/….')
  @minLength(100)
  resourceId: string

  @description('push: the registry may be imported into; the role lets Drayage read it, too. pull: it may be imported from.')
  access: 'push' | 'pull'

  @description('Role assignment permissions mode of the registry. rbac: AcrPush or AcrPull on all of it. abac: Container Registry Repository Writer or Reader.')
  mode: 'rbac' | 'abac'

  @description('With mode abac: repositories (team/app) and prefixes (team/*) that the role holds for. Not given: all.')
  @minLength(1)
  repositories: string[]?

  @description('With mode abac: also lets Drayage list the names of all repositories, which selections by pattern need. With rbac that is part of the role.')
  listRepositories: bool?

  @description('Also assigns Container Registry Data Importer and Data Reader, which delegated imports need. It holds for the whole registry, whatever repositories says.')
  delegate: bool?

  @description('Reaches the registry through a private endpoint of the virtual network. The registry must be Premium.')
  privateEndpoint: bool?

  @description('Lets pushes to the registry start imports by rules.')
  events: RegistryEvents?
}

@export()
@sealed()
@description('Which pushes are sent to Drayage.')
type RegistryEvents = {
  @description('Only pushes to repositories that begin with this. The subject of an event is repository:tag.')
  @minLength(1)
  repositoryPrefix: string?

  @description('Name of a system topic of the registry that is there already, in the resource group of the registry. It is not written to: that it has the identity of the output eventsIdentityId is up to you. Not given: one is made.')
  @minLength(3)
  @maxLength(128)
  topicName: string?
}

@export()
@discriminator('kind')
@description('How Drayage is connected.')
type Network = NoNetwork | NewNetwork | ExistingNetwork

@sealed()
@description('Public endpoints, guarded by Microsoft Entra alone.')
type NoNetwork = {
  kind: 'none'
}

@sealed()
@description('A virtual network, private endpoints and private DNS zones are made.')
type NewNetwork = {
  kind: 'new'

  @description('Addresses of the virtual network.')
  @minLength(9)
  addressPrefix: string

  @description('Addresses of the subnet that the app goes out of; /27 or larger.')
  @minLength(9)
  appSubnetPrefix: string

  @description('Addresses of the subnet of the private endpoints; /28 or larger.')
  @minLength(9)
  endpointSubnetPrefix: string
}

@sealed()
@description('Subnets that are there already, and DNS zones that somebody else keeps.')
type ExistingNetwork = {
  kind: 'existing'

  @description('Resource id of the subnet that the app goes out of. It is delegated to Microsoft.App/environments and holds nothing else.')
  @minLength(100)
  appSubnetId: string

  @description('Resource id of the subnet of the private endpoints.')
  @minLength(100)
  endpointSubnetId: string

  @description('Resource ids of private DNS zones that are linked to the network already. Not given: a policy of the subscription registers the endpoints.')
  dnsZoneIds: DnsZoneIds?
}

@export()
@sealed()
@description('Resource ids of the private DNS zones of the endpoints.')
type DnsZoneIds = {
  blob: string
  queue: string
  table: string
  vault: string
  registry: string
}

@export()
@sealed()
@description('Application settings of Drayage, as docs/configuration.md describes them. Those that always are secret can be given by vaultSettings only.')
type Settings = {
  API_SIGN_IN: string?
  TABLE_PREFIX: string?
  DEFAULT_TARGET: string?
  REGISTRY_SUFFIX: string?
  DEFAULT_TIMEOUT_SECONDS: string?
  ALLOWED_TARGETS: string?
  ALLOWED_SOURCES: string?
  INSECURE_HOSTS: string?
  ALLOW_PRIVATE_HOSTS: string?
  NO_PROXY: string?
  SOURCE_SECRETS: string?
  LARGE_BLOB_BYTES: string?
  BUFFER_BYTES: string?
  ACTIVITY_BUDGET_SECONDS: string?
  CONNECTIONS_PER_HOST: string?
  REQUESTS_PER_HOST: string?
  RETENTION_DAYS: string?
  STUCK_MINUTES: string?
  EVENT_SOURCE: string?
  EVENT_RETRY_SECONDS: string?
  ARM_TENANT_ID: string?
  ARM_AUTHORITY: string?
  ARM_AUDIENCES: string?
  ARM_ALLOWED_PRINCIPALS: string?
  ARM_APP_ROLE: string?
  ARM_ENDPOINT: string?
  OTEL_EXPORTER_OTLP_ENDPOINT: string?
}

@export()
@sealed()
@description('Settings whose values are secrets of the Key Vault: the name of the secret for each.')
type VaultSettings = {
  SECRETS_KEY: SecretName?
  REGISTRIES: SecretName?
  API_KEYS: SecretName?
  HOOK_SECRETS: SecretName?
  EVENT_SINKS: SecretName?
  HTTPS_PROXY: SecretName?
  HTTP_PROXY: SecretName?
  OTEL_EXPORTER_OTLP_HEADERS: SecretName?
}

@description('Name of a secret in the Key Vault.')
@minLength(1)
@maxLength(127)
type SecretName = string

@export()
@sealed()
@description('App Service authentication before the app: who calls the API signs in at Microsoft Entra, and function keys count no more.')
type SignIn = {
  @description('Application (client) id of the app registration that they sign in to; docs/deploy.md says how it is made.')
  @minLength(36)
  @maxLength(36)
  clientId: string

  @description('Object ids of users and service principals that may come in; the platform takes 500 characters of them. Not given: whoever the registration lets in.')
  @minLength(1)
  @maxLength(13)
  allowedPrincipals: string[]?
}

@export()
@sealed()
@description('When people are woken.')
type Alerts = {
  @description('Resource ids of action groups that are told. Not given: alerts are only shown.')
  actionGroupIds: string[]?

  @description('More failed imports than this within 15 minutes. Not given: 5.')
  @minValue(0)
  failedImports: int?

  @description('More messages than this in 15 minutes that were given up and moved to the table Poison. Not given: 0.')
  @minValue(0)
  poisonMessages: int?

  @description('More imports than this in 15 minutes whose orchestration was lost or that stood still. Not given: 0.')
  @minValue(0)
  stuckImports: int?

  @description('More than this percent of a host\'s answers to requests within 15 minutes are 429, where there are at least 100. Not given: 5.')
  @minValue(1)
  @maxValue(100)
  throttledPercent: int?
}
