// A rule over the events of one registry that could not be delivered.

@description('Tags of every resource.')
param tags object

@description('Name of the rule.')
param name string

@description('Name of the registry.')
param registryName string

@description('Resource id of the system topic of the registry.')
param topicId string

@description('Name of the subscription: others of the topic are none of Drayage.')
param subscriptionName string

@description('Resource ids of action groups that are told.')
param actionGroupIds string[]

var told = map(actionGroupIds, id => { actionGroupId: id })

resource rule 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    description: 'Drayage: pushes at ${registryName} could not be delivered. They are in the container dead-letters.'
    severity: 2
    enabled: true
    scopes: [topicId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [
            {
              name: 'EventSubscriptionName'
              operator: 'Include'
              values: [subscriptionName]
            }
          ]
        }
      ]
    }
    actions: told
  }
}
