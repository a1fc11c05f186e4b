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
@description('The name, or as much of it as fits before a hash of the whole of it: 50 characters at most.')
func systemTopicName(registryName string) string =>
  length(registryName) <= 45 ? 'evgt-${registryName}' : 'evgt-${substring(registryName, 0, 31)}-${uniqueString(registryName)}'
