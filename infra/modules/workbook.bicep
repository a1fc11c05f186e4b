// A page in the portal: what was imported, what failed, who throttles.

@description('Region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Name of the deployment, shown in the title.')
param name string

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'drayage', name)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Drayage (${name})'
    category: 'workbook'
    version: '1.0'
    sourceId: workspaceId
    serializedData: loadTextContent('workbook.json')
  }
}
