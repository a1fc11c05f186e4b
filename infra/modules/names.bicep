// Names that more than one rule of Azure has something to say about.

var letters = 'abcdefghijklmnopqrstuvwxyz'
var digits = '0123456789'
var allowedCharacters = map(range(0, 37), at => substring('${letters}${digits}-', at, 1))

func hasOnly(text string, characters string[]) bool =>
  empty(filter(map(range(0, length(text)), at => substring(text, at, 1)), each => !contains(characters, each)))

@export()
@description('The name, if a Key Vault and a storage account can be named by it.')
func assertName(name string) string =>
  hasOnly(name, allowedCharacters) && !startsWith(name, '-') && !endsWith(name, '-') && !contains(name, '--')
    ? name
    : fail('name: ${name} is more than lower-case letters, digits and single hyphens between them')

@export()
@description('As much of the name as fits before a hash of it and of the deployment: 50 characters at most. A registry can have one system topic: under one name a second deployment would take it over from the first without a word.')
func systemTopicName(registryName string, deployment string) string =>
  'evgt-${take(registryName, 31)}-${uniqueString(registryName, deployment)}'
