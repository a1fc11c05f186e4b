// Public endpoints, behind the platform's sign-in: one registry to import into, one to import from, whose pushes start imports.

using '../main.bicep'

var group = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries'

param location = 'westeurope'

param registries = [
  {
    resourceId: '${group}/prod'
    access: 'push'
    mode: 'rbac'
    delegate: true
  }
  {
    resourceId: '${group}/dev'
    access: 'pull'
    mode: 'rbac'
    events: {
      repositoryPrefix: 'team/'
    }
  }
]

param settings = {
  ALLOWED_SOURCES: 'docker.io,ghcr.io'
  ARM_TENANT_ID: '11111111-2222-3333-4444-555555555555'
  ARM_ALLOWED_PRINCIPALS: '66666666-7777-8888-9999-aaaaaaaaaaaa'
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example.com'
}

param vaultSettings = {
  API_KEYS: 'drayage-api-keys'
  HOOK_SECRETS: 'drayage-hook-secrets'
  OTEL_EXPORTER_OTLP_HEADERS: 'drayage-otlp-headers'
}

param signIn = {
  clientId: '22222222-3333-4444-5555-666666666666'
  allowedPrincipals: ['77777777-8888-9999-aaaa-bbbbbbbbbbbb']
}

param subscribeToEvents = true

param alerts = {
  actionGroupIds: [
    '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/operations/providers/Microsoft.Insights/actionGroups/on-call'
  ]
}
