// Built-in roles that are assigned; no other role may be. Ids are the same in every cloud.

@export()
var roleIds = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  acrPush: '8311e382-0749-4cb8-b61a-304f252e45ec'
  repositoryReader: 'b93aa761-3e63-49ed-ac28-beffa264f7ac'
  repositoryWriter: '2a1e307c-b015-4ebd-883e-5b7698a07328'
  repositoryCatalogLister: 'bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7'
  registryDataImporter: '577a9874-89fd-4f24-9dbd-b5034d0ad23a'
}

var repositoryActions = 'Microsoft.ContainerRegistry/registries/repositories'
var readActions = ['content/read', 'metadata/read']
var writeActions = ['content/write', 'metadata/write']

// A quote would end the text inside the condition, and whatever follows it would be part of the rule.
func assertRepository(repository string) string =>
  contains(repository, '\'') || empty(repository) || repository == '*' || (endsWith(repository, '*') && !endsWith(
      repository,
      '/*'
    ))
    ? fail('repositories: ${repository} is neither a repository such as team/app nor a prefix such as team/*')
    : repository

func matchRepository(repository string) string =>
  endsWith(assertRepository(repository), '/*')
    ? '@Request[${repositoryActions}:name] StringStartsWithIgnoreCase \'${substring(repository, 0, lastIndexOf(repository, '*'))}\''
    : '@Request[${repositoryActions}:name] StringEqualsIgnoreCase \'${repository}\''

@export()
@description('The condition of a role assignment that holds for these repositories (team/app) and prefixes (team/*).')
func repositoryCondition(access string, repositories string[]) string =>
  '((${join(map(access == 'push' ? concat(readActions, writeActions) : readActions, action => '!(ActionMatches{\'${repositoryActions}/${action}\'})'), ' AND ')}) OR (${join(map(repositories, repository => matchRepository(repository)), ' OR ')}))'
