// Rules over the log of Drayage, whose lines are JSON with the name of what happened in `event`.

import { Alerts } from 'types.bicep'

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Names of rules begin with this.')
param name string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('When people are woken.')
param alerts Alerts

// A line that sampling has thinned out stands for ItemCount of its kind.
var occurrences = '| summarize occurrences = sum(ItemCount)'
var entries = 'AppTraces | where Message startswith \'{"event":\' | extend entry = parse_json(Message)'

// What housekeeping could not do, it tries again with its next run: it counts where that went wrong for the same thing
// once more. What it does each hour has no second time within the window.
var stuck = '''
AppTraces
| where Message startswith '{"event":'
| extend entry = parse_json(Message)
| where entry.event in ('sweep-ended', 'sweep-failed', 'stuck-replaced', 'stuck-ended', 'stuck-failed', 'imports-not-begun')
| extend about = strcat(entry.event, ' ', entry.importId, entry.promotionId, entry.task)
| summarize ItemCount = sum(ItemCount) by event = tostring(entry.event), about
| where event !in ('sweep-failed', 'stuck-failed') or ItemCount > 1
'''

// The metric counts every try; spans are sampled. Below 100 answers a share says nothing. By host, so that
// a registry that throttles does not vanish behind the storage that its blobs come from.
var throttledQuery = '''
AppMetrics
| where Name == 'http.client.request.duration'
| extend host = tostring(Properties['server.address']), status = toint(Properties['http.response.status_code'])
| where isnotnull(status)
| summarize throttled = sumif(ItemCount, status == 429), answers = sum(ItemCount) by host
| where answers >= 100
| project host, percent = 100.0 * throttled / answers
'''

var counted = [
  {
    name: 'failed-imports'
    displayName: 'Drayage: imports fail'
    description: 'Imports ended as Failed. Their records have code and hint: drayage list --state Failed'
    severity: 2
    query: '${entries} | where entry.event == \'import-ended\' and entry.state == \'Failed\' ${occurrences}'
    operator: 'GreaterThan'
    threshold: alerts.?failedImports ?? 5
  }
  {
    name: 'poison-messages'
    displayName: 'Drayage: messages were given up'
    description: 'Queue messages could not be made into imports and are in the table Poison: drayage poison list'
    severity: 2
    query: '${entries} | where entry.event == \'poison-stored\' ${occurrences}'
    operator: 'GreaterThan'
    threshold: alerts.?poisonMessages ?? 0
  }
  {
    name: 'stuck-imports'
    displayName: 'Drayage: imports are stuck'
    description: 'Orchestrations ended without ending their imports, imports do not begin, or housekeeping cannot do its work.'
    severity: 1
    query: '${stuck} ${occurrences}'
    operator: 'GreaterThan'
    threshold: alerts.?stuckImports ?? 0
  }
  {
    name: 'nothing-runs'
    displayName: 'Drayage: nothing runs'
    description: 'The function everyMinute has not ended well for 15 minutes: the app does not start, or cannot reach its storage.'
    severity: 1
    query: 'AppTraces | where Message startswith \'{"event":"minute-ended"\' ${occurrences}'
    operator: 'LessThan'
    threshold: 1
  }
]

resource countRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in counted: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.displayName
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      skipQueryValidation: true // the tables are made when the first line arrives
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'occurrences'
            operator: rule.operator
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: alerts.?actionGroupIds ?? []
      }
    }
  }
]

resource throttledRule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${name}-throttled'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Drayage: registries throttle'
    description: 'Many requests to a host are answered by 429. Lower the limits of the registry in REGISTRIES, or spread the load.'
    severity: 3
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: throttledQuery
          timeAggregation: 'Maximum'
          metricMeasureColumn: 'percent'
          dimensions: [
            {
              name: 'host'
              operator: 'Include'
              values: ['*']
            }
          ]
          operator: 'GreaterThan'
          threshold: alerts.?throttledPercent ?? 5
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: alerts.?actionGroupIds ?? []
    }
  }
}
