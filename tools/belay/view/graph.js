// The two graphs of the page as {nodes, edges} for layOut, in one form:
// node {id, title, sub, search, group, port, constant, item}; edge [from, to, control].
const PALETTE = {
  product: ['#f4a259', 'products'], reduce: ['#b58bd9', 'reductions, norms'], map: ['#7db8ea', 'elementwise'],
  move: ['#8fcf9a', 'moves, views'], control: ['#e58f9d', 'control flow'], other: ['#c9ced4', 'other'],
};
const GROUPS = [
  ['product', /^(tile \d|dot|winograd|depthwise|gemv|direct)|matmul|conv|gemm|fullyconnect|attention|einsum|lstm|gru|contract/i],
  ['reduce', /reduce|norm|softmax|pool|argmax|argmin|mean|^rows|topk|cumsum|scan/i],
  ['move', /copy|transpose|reshape|concat|split|slice|gather|pad|cast|squeeze|flatten|expand|shape|tile|identity|pack|scatter|broadcast|resize/i],
  ['control', /^(if|while|case|for|loop|scan|partitionedcall|statelessif|statelesswhile)$/i],
];
function groupOf(text) {
  if (/^(if|while|case)$/i.test(text)) return 'control';
  const found = GROUPS.find(([, pattern]) => pattern.test(text));
  return found ? found[0] : 'map';
}

// A step's by what its kernel computes.
function groupOfStep(step) {
  const body = step.body || '', has = (...ops) => ops.some(op => body.includes(` = ${op}`));
  if (step.kind !== 'kernel') return groupOf(step.kind);
  if (has('contract(', 'conv(')) return 'product';
  if (has('reduce(', 'pool(', 'scan(')) return 'reduce';
  if (has('call.')) return 'other';
  const moves = body.split('\n').slice(1, -2).every(line => /= (const|iota|dims|reshape|transpose|broadcast|slice|pad|concat|gather|scatter)\(/.test(line));
  return moves ? 'move' : 'map';
}

function titleOfStep(step, k) { return step.node || step.nodes[0] || 'step ' + k; }

function shorten(text, most) {
  return text.length <= most ? text : text.slice(0, most / 2 - 1) + '…' + text.slice(text.length - most / 2);
}

const isSource = type => type === 'Data' || type === 'RefData' || type === 'Variable';
const isConstant = type => type === 'Const' || type === 'Constant' || type === 'Constants';

// Which step computes a node of the user's graph: by name.
function stepsOfNodes(steps) {
  const owners = new Map();
  steps.forEach((step, k) => {
    for (const name of step.nodes.concat([step.node])) {
      if (!owners.has(name)) owners.set(name, []);
      if (!owners.get(name).includes(k)) owners.get(name).push(k);
    }
  });
  return owners;
}

function graphBefore(model, owners) {
  const nodes = [], edges = [];
  model.nodes.forEach((node, i) => {
    nodes.push({
      id: 'n' + i, title: node.name, sub: node.type + (node.outputs[0] ? '  ' + node.outputs[0] : ''),
      search: [node.name, node.type, node.origin || ''].join(' ').toLowerCase(),
      group: groupOf(node.type), port: isSource(node.type), constant: isConstant(node.type), item: node,
      steps: owners.get(node.name) || [],
    });
    for (const [from] of node.inputs) if (from >= 0) edges.push([from, i, false]);
    for (const from of node.after || []) edges.push([from, i, true]);
  });
  model.outputs.forEach(([from, output], k) => {
    const name = (model.output_names || [])[k] || 'output ' + k;
    nodes.push({id: 'r' + k, title: name, sub: 'result ' + (model.nodes[from].outputs[output] || ''),
                search: name.toLowerCase(), group: 'other', port: true, result: true, steps: []});
    edges.push([from, nodes.length - 1, false]);
  });
  return {nodes, edges};
}

function slotText(slot) {
  return slot.dtype + '[' + slot.shape.join(',') + ']';
}

function graphAfter(variant) {
  const nodes = [], edges = [], writers = new Map();  // several steps may write a part each of one slot
  const add = node => { nodes.push(node); return nodes.length - 1; };
  variant.slots.forEach((slot, s) => {
    if (slot.kind !== 'input') return;
    const name = (variant.inputs[slot.index] || {}).name || 'input ' + slot.index;
    writers.set(s, [add({id: 'i' + s, title: name, sub: slotText(slot), search: name.toLowerCase(), group: 'other', port: true, steps: []})]);
  });
  variant.steps.forEach((step, k) => {
    const what = step.kernel || step.kind;
    const at = add({
      id: 's' + k, title: titleOfStep(step, k), sub: what, search: [step.node, what, ...step.nodes].join(' ').toLowerCase(),
      group: groupOfStep(step), item: step, step: k, steps: [k],
    });
    for (const s of new Set(step.reads)) {
      if (!writers.has(s) && variant.slots[s].kind === 'constant') {
        writers.set(s, [add({id: 'c' + s, title: 'constant ' + variant.slots[s].index, sub: slotText(variant.slots[s]),
                             search: 'constant', group: 'other', port: true, constant: true, steps: []})]);
      }
      for (const from of writers.get(s) ?? []) edges.push([from, at, false]);
    }
    for (const s of step.writes) writers.set(s, step.part ? [...(writers.get(s) ?? []), at] : [at]);
  });
  variant.slots.forEach((slot, s) => {
    if (slot.kind !== 'output' || !writers.has(s)) return;
    const name = (variant.outputs[slot.index] || {}).name || 'output ' + slot.index;
    const at = add({id: 'o' + s, title: name, sub: 'result ' + slotText(slot), search: name.toLowerCase(),
                    group: 'other', port: true, result: true, steps: []});
    for (const from of writers.get(s)) edges.push([from, at, false]);
  });
  return {nodes, edges};
}

// Without constants unless they are wanted.
function visible(graph, constants) {
  const kept = [], number = new Map();
  graph.nodes.forEach((node, i) => {
    if (!node.constant || constants) { number.set(i, kept.length); kept.push(node); }
  });
  const seen = new Set(), edges = [];
  for (const [a, b, control] of graph.edges) {
    const key = a + ' ' + b;
    if (!number.has(a) || !number.has(b) || seen.has(key)) continue;
    seen.add(key);
    edges.push([number.get(a), number.get(b), control]);
  }
  return {nodes: kept, edges};
}
