// Secrets that a deployment is given the values of.

@description('Name of the vault.')
param vaultName string

@description('Names of secrets.')
param names string[]

@secure()
@description('Their values. One without a value is left alone.')
param values object

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource secrets 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = [
  for name in names: if (!empty(values[?name])) {
    parent: vault
    name: name
    properties: {
      value: values[name]
    }
  }
]
