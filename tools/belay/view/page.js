const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const variant = data.graph.variants[data.graph.variants.length - 1] || {slots: [], steps: [], inputs: [], outputs: []};
const owners = stepsOfNodes(variant.steps);
const graphs = {before: graphBefore(data.graph.model, owners), after: graphAfter(variant)};

// Times by step, from the run that is shown; loops sum theirs.
const times = new Map();
for (const r of data.steps || []) if (r.depth === 0) times.set(r.step, r);
const total = [...times.values()].reduce((sum, r) => sum + r.us, 0);
const timeOf = steps => steps.reduce((sum, k) => sum + (times.has(k) ? times.get(k).us : 0), 0);

const state = {view: 'before', chart: total ? 'timeline' : 'memory', colour: 'kind', picked: null, matches: [], match: 0, scale: 1};
const camera = {x: 0, y: 0, zoom: 1};
let shown = null, drawn = {nodes: [], paths: []};

const hue = k => `hsl(${(k * 137.5) % 360} 62% 74%)`;
function heat(us) {
  if (!total) return PALETTE.other[0];
  const share = Math.min(1, Math.sqrt(us / Math.max(...[...times.values()].map(r => r.us), 1e-9)));
  return `hsl(${52 - 44 * share} ${40 + 50 * share}% ${88 - 26 * share}%)`;
}
const COLOURS = {
  kind: node => PALETTE[node.group][0],
  step: node => node.steps.length ? hue(node.steps[0]) : PALETTE.other[0],
  time: node => heat(timeOf(node.steps)),
};

function drawGraph() {
  shown = visible(graphs[state.view], $('constants').checked);
  for (const node of shown.nodes) {
    const letters = Math.max(shorten(node.title, 30).length * 1.12, shorten(node.sub || '', 36).length * .95);
    node.w = Math.max(70, Math.min(260, letters * 6.4 + 18));
    node.h = 38;
  }
  const result = layOut(shown.nodes, shown.edges);
  const picture = $('graph');
  picture.textContent = '';
  const world = svg('g', {id: 'world'}, picture);
  drawn = {nodes: [], paths: [], width: result.width, height: result.height};
  result.paths.forEach((points, k) => {
    let d = `M${points[0].map(v => v.toFixed(1))}`;
    for (let i = 1; i < points.length; i++) {
      const [x0, y0] = points[i - 1], [x1, y1] = points[i], middle = (y0 + y1) / 2;
      d += `C${[x0, middle, x1, middle, x1, y1].map(v => v.toFixed(1))}`;
    }
    drawn.paths[k] = svg('path', {d, class: shown.edges[k][2] ? 'control' : ''}, world);
  });
  shown.nodes.forEach((node, i) => {
    const group = svg('g', {class: 'node' + (node.port ? ' port' : ''), transform: `translate(${node.x},${node.y})`}, world);
    const rect = svg('rect', {x: -node.w / 2, y: -node.h / 2, width: node.w, height: node.h, rx: node.port ? 19 : 5}, group);
    if (!node.port) rect.style.fill = COLOURS[state.colour](node);
    svg('text', {y: -3, 'text-anchor': 'middle'}, group).textContent = shorten(node.title, 30);
    svg('text', {y: 12, 'text-anchor': 'middle', class: 'small'}, group).textContent = shorten(node.sub || '', 36);
    titled(group, `${node.title}\n${node.sub || ''}`);
    group.addEventListener('click', () => pick('node', node.id));
    drawn.nodes[i] = group;
  });
  mark();
}

function mark() {
  const picked = state.picked && shown.nodes.findIndex(node => node.id === state.picked);
  const step = picked >= 0 && state.picked ? shown.nodes[picked].steps : pickedSteps();
  shown.nodes.forEach((node, i) => {
    const of = drawn.nodes[i].classList;
    of.toggle('picked', i === picked && state.picked !== null);
    of.toggle('near', i !== picked && step.length > 0 && node.steps.some(k => step.includes(k)));
    of.toggle('match', state.matches.includes(node.id));
  });
  shown.edges.forEach(([a, b], k) => drawn.paths[k].classList.toggle('picked', state.picked !== null && (a === picked || b === picked)));
  for (const element of document.querySelectorAll('#chart [data-step]')) {
    element.classList.toggle('picked', step.includes(Number(element.dataset.step)));
  }
}

function pickedSteps() {
  for (const view of ['before', 'after']) {
    const node = graphs[view].nodes.find(each => each.id === state.picked);
    if (node) return node.steps;
  }
  return [];
}

function aim() {
  const world = $('world');
  if (world) world.setAttribute('transform', `translate(${camera.x},${camera.y}) scale(${camera.zoom})`);
}

function fit() {
  const box = $('graph').getBoundingClientRect();
  camera.zoom = Math.min(1.4, box.width / (drawn.width + 60), box.height / (drawn.height + 40));
  camera.x = (box.width - drawn.width * camera.zoom) / 2;
  camera.y = (box.height - drawn.height * camera.zoom) / 2;
  aim();
}

// The whole, or where that would be a thread, its first nodes.
function fitReadable() {
  fit();
  if (camera.zoom >= .32 || !shown.nodes.length) return;
  const top = Math.min(...shown.nodes.map(node => node.y)) + 400, first = shown.nodes.filter(node => node.y < top);
  camera.zoom = .8;
  camera.x = $('graph').getBoundingClientRect().width / 2 - camera.zoom * first.reduce((sum, node) => sum + node.x, 0) / first.length;
  camera.y = 20;
  aim();
}

function zoom(factor, x, y) {
  const next = Math.max(.02, Math.min(6, camera.zoom * factor));
  camera.x = x - (x - camera.x) * next / camera.zoom;
  camera.y = y - (y - camera.y) * next / camera.zoom;
  camera.zoom = next;
  aim();
}

function centre(id) {
  const node = shown.nodes.find(each => each.id === id);
  if (!node) return;
  const box = $('graph').getBoundingClientRect();
  camera.zoom = Math.max(camera.zoom, .8);
  camera.x = box.width / 2 - node.x * camera.zoom;
  camera.y = box.height / 2 - node.y * camera.zoom;
  aim();
}

function show(view) {
  state.view = view;
  $('show-before').classList.toggle('on', view === 'before');
  $('show-after').classList.toggle('on', view === 'after');
  drawGraph();
  fitReadable();
}

// kind: 'node' for an id of either graph, 'step' for the number of a step.
function pick(kind, value, follow) {
  const id = kind === 'step' ? 's' + value : value;
  const here = shown.nodes.some(node => node.id === id);
  state.picked = id;
  if (!here) {
    const constants = [...graphs.before.nodes, ...graphs.after.nodes].find(node => node.id === id);
    if (constants && constants.constant) $('constants').checked = true;
    const other = graphs.before.nodes.some(node => node.id === id) ? 'before' : 'after';
    if (follow || other === state.view || kind === 'step') show(other);
  }
  if (follow || kind === 'step') centre(id);
  mark();
  describe(id);
}

// --- the panel on the right
function element(name, text, parent) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (parent) parent.appendChild(made);
  return made;
}

function link(text, id, parent) {
  const made = element('a', text, parent);
  made.addEventListener('click', () => pick('node', id, true));
  return made;
}

function facts(panel, pairs) {
  const list = element('dl', undefined, panel);
  for (const [key, value] of pairs) {
    if (value === undefined || value === '' || value === null) continue;
    element('dt', key, list);
    element('dd', String(value), list);
  }
}

function listOf(panel, title, items) {
  if (!items.length) return;
  element('h3', title, panel);
  const list = element('ul', undefined, panel);
  for (const add of items) add(element('li', undefined, list));
}

function describeStep(panel, node) {
  const step = node.item, time = times.get(node.step);
  element('div', step.kernel || step.kind, panel).className = 'sub';
  facts(panel, [['step', node.step], ['kind', step.kind], ['written because', step.note],
                ['time', time && `${timeText(time.us)} (${(100 * time.us / total).toFixed(1)} %)`],
                ['work', time && time.flops ? (time.flops / 1e6).toFixed(2) + ' MFLOP' : ''],
                ['rate', time && time.flops ? (time.flops / time.us / 1000).toFixed(1) + ' GFLOP/s' : ''],
                ['bytes', time && bytesText(time.bytes)]]);
  const models = data.graph.model.nodes;
  listOf(panel, 'Nodes in it', step.nodes.map(name => item => {
    const at = models.findIndex(each => each.name === name);
    if (at >= 0) link(name, 'n' + at, item); else element('span', name, item);
    if (at >= 0) element('span', '  ' + models[at].type, item).className = 'sub';
  }));
  const slot = s => item => {
    const it = variant.slots[s];
    const size = it.bytes === undefined ? '' : ', ' + bytesText(it.bytes);
    const place = it.offset === undefined ? '' : ` at ${it.offset}`;
    element('span', `%${s} ${it.kind} ${slotText(it)}${size}${place}${it.layout ? ', ' + it.layout : ''}`, item);
  };
  listOf(panel, 'Reads', step.reads.map(slot));
  listOf(panel, step.part ? `Writes ${step.part} of` : 'Writes', step.writes.map(slot));
  if (step.body) {
    element('h3', 'What it computes', panel);
    element('pre', step.body, panel);
  }
  (step.branches || []).forEach((branch, b) => {
    const title = step.kind === 'if' ? ['Then', 'Else'][b] : ['Condition', 'Body'][b];
    listOf(panel, title, branch.steps.map(inner => item => element('span', `${inner.node}  ${inner.kernel || inner.kind}`, item)));
  });
}

function describeNode(panel, node) {
  const models = data.graph.model.nodes, it = node.item;
  element('div', it.type, panel).className = 'sub';
  facts(panel, [['from', it.origin], ['gives', it.outputs.join('  ')], ['time', timeOf(node.steps) && node.steps.length ? timeText(timeOf(node.steps)) + ' in its steps' : '']]);
  listOf(panel, 'Computed in', node.steps.map(k => item => link(`step ${k}: ${titleOfStep(variant.steps[k], k)}`, 's' + k, item)));
  if (!node.steps.length && !node.port && !node.constant && variant.steps.length) {
    element('p', 'No step bears its name: it is a view, a constant, or part of another node’s work.', panel).className = 'sub';
  }
  listOf(panel, 'Inputs', it.inputs.map(([from, output]) => item => {
    if (from < 0) return element('span', 'left out', item);
    link(models[from].name, 'n' + from, item);
    element('span', '  ' + (models[from].outputs[output] || ''), item).className = 'sub';
  }));
  const number = Number(node.id.slice(1)), readers = [];
  models.forEach((each, i) => { if (each.inputs.some(([from]) => from === number)) readers.push(i); });
  listOf(panel, 'Read by', readers.map(i => item => link(models[i].name, 'n' + i, item)));
  if (it.attributes) {
    element('h3', 'Attributes', panel);
    facts(panel, Object.entries(it.attributes));
  }
  for (const sub of it.subgraphs || []) {
    listOf(panel, 'Subgraph ' + sub.name, sub.graph.nodes.map(each => item => element('span', `${each.name}  ${each.type}`, item)));
  }
}

function describe(id) {
  const panel = $('details');
  panel.textContent = '';
  panel.scrollTop = 0;
  const node = [...graphs.before.nodes, ...graphs.after.nodes].find(each => each.id === id);
  if (!node) return overview(panel);
  element('h2', node.title, panel);
  if (node.item && node.step !== undefined) return describeStep(panel, node);
  if (node.item) return describeNode(panel, node);
  element('div', node.sub, panel).className = 'sub';
}

function overview(panel) {
  element('h2', data.title, panel);
  element('div', 'Click a node, a bar or a row for its details.', panel).className = 'sub';
  const kernels = variant.steps.filter(step => step.kind === 'kernel').length;
  facts(panel, [['nodes before', data.graph.model.nodes.filter(node => !isConstant(node.type)).length],
                ['steps after', variant.steps.length], ['kernels', kernels],
                ['variants', data.graph.variants.length], ['static', data.graph.static ? 'yes' : 'no'],
                ['scratch', variant.arena_bytes === undefined ? '' : bytesText(variant.arena_bytes)],
                ['constants', data.graph.constant_bytes === undefined ? '' : bytesText(data.graph.constant_bytes)],
                ['time of a run', total ? timeText(total) : 'not run'], ['machine', data.machine]]);
  const sources = (title, list) => listOf(panel, title, list.map(each => item => element('span', `${each.name}  ${slotText(each)}`, item)));
  sources('Inputs', variant.inputs);
  sources('Outputs', variant.outputs);
  listOf(panel, 'Holds while', variant.guards.map(guard => item => element('span', `${guard.condition} is ${guard.holds}`, item)));
  if (!total) return;
  const slow = [...times.values()].sort((a, b) => b.us - a.us).slice(0, 10);
  listOf(panel, 'Slowest steps', slow.map(r => item => {
    link(titleOfStep(variant.steps[r.step], r.step), 's' + r.step, item);
    element('span', `  ${timeText(r.us)}`, item).className = 'sub';
  }));
}

// --- the charts below
function drawChart() {
  const box = $('chart');
  box.textContent = '';
  for (const button of document.querySelectorAll('[data-chart]')) button.classList.toggle('on', button.dataset.chart === state.chart);
  let note = '';
  if (state.chart === 'timeline') {
    if (total) {
      drawTimeline(box, data.timeline.map(r => ({
        ...r, name: r.name || 'step ' + r.step, group: r.depth === 0 ? groupOfStep(variant.steps[r.step]) : groupOf(r.kernel || 'copy'),
      })), state.scale, pick);
      note = `the median of ${data.runs} runs; ctrl+wheel zooms`;
    } else {
      note = 'nothing was run';
    }
  } else if (state.chart === 'memory') {
    if (variant.arena_bytes !== undefined) {
      const peak = drawMemory(box, variant, state.scale, pick);
      note = `scratch ${bytesText(variant.arena_bytes)}; most alive at once ${bytesText(peak)}; ctrl+wheel zooms`;
    } else {
      note = 'memory is taken step by step: extents or branches are decided while it runs, or no extents are known';
    }
  } else {
    drawSteps(box, variant.steps.map((step, k) => {
      const r = times.get(k) || {us: 0, flops: 0, bytes: 0};
      return {step: k, name: titleOfStep(step, k), kernel: step.kernel || step.kind, nodes: step.nodes, us: r.us, flops: r.flops,
              bytes: r.bytes, share: total ? r.us / total : 0};
    }), pick);
  }
  $('chart-note').textContent = note;
  if (shown) mark();
}

function search(text) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  state.matches = words.length ? shown.nodes.filter(node => words.every(word => node.search.includes(word))).map(node => node.id) : [];
  state.match = 0;
  $('found').textContent = words.length ? `${state.matches.length} found` : '';
  mark();
  if (state.matches.length) centre(state.matches[0]);
}

function legend() {
  const box = $('legend');
  box.textContent = '';
  const entries = state.colour === 'kind' ? Object.values(PALETTE)
    : state.colour === 'time' ? [[heat(0), 'no time'], [heat(Infinity), 'most time']] : [[hue(1), 'one colour a step']];
  for (const [colour, text] of entries) {
    const item = element('span', undefined, box);
    element('i', undefined, item).style.background = colour;
    item.append(text);
  }
}

function start() {
  const count = data.graph.model.nodes.filter(node => !isConstant(node.type)).length;
  $('facts').textContent = `${count} nodes became ${variant.steps.length} steps` + (total ? `, ${timeText(total)} a run` : '');
  for (const name of total ? ['kind', 'step', 'time'] : ['kind', 'step']) element('option', name, $('colour'));
  $('colour').addEventListener('change', event => { state.colour = event.target.value; legend(); drawGraph(); aim(); });
  $('constants').addEventListener('change', () => { drawGraph(); aim(); });
  $('show-before').addEventListener('click', () => show('before'));
  $('show-after').addEventListener('click', () => show('after'));
  $('fit').addEventListener('click', fit);
  const middle = factor => { const box = $('graph').getBoundingClientRect(); zoom(factor, box.width / 2, box.height / 2); };
  $('zoom-in').addEventListener('click', () => middle(1.4));
  $('zoom-out').addEventListener('click', () => middle(1 / 1.4));
  $('graph').addEventListener('wheel', event => {
    event.preventDefault();
    const box = $('graph').getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * .0015), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  let drag = null;
  $('graph').addEventListener('pointerdown', event => { drag = {x: event.clientX - camera.x, y: event.clientY - camera.y}; });
  window.addEventListener('pointermove', event => {
    if (!drag) return;
    camera.x = event.clientX - drag.x;
    camera.y = event.clientY - drag.y;
    aim();
  });
  window.addEventListener('pointerup', () => { drag = null; });
  $('search').addEventListener('input', event => search(event.target.value));
  $('search').addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !state.matches.length) return;
    state.match = (state.match + (event.shiftKey ? state.matches.length - 1 : 1)) % state.matches.length;
    $('found').textContent = `${state.match + 1} of ${state.matches.length}`;
    pick('node', state.matches[state.match], true);
  });
  $('chart').addEventListener('wheel', event => {
    if (!event.ctrlKey || state.chart === 'steps') return;
    event.preventDefault();
    state.scale = Math.max(1, Math.min(60, state.scale * Math.exp(-event.deltaY * .002)));
    drawChart();
  }, {passive: false});
  for (const button of document.querySelectorAll('[data-chart]')) {
    button.addEventListener('click', () => { state.chart = button.dataset.chart; drawChart(); });
  }
  window.addEventListener('resize', drawChart);
  // #after, #before, #memory, #timeline, #steps and a node's name choose what a link opens.
  const wanted = decodeURIComponent(location.hash.slice(1)).split('&');
  if (wanted.some(word => ['timeline', 'memory', 'steps'].includes(word))) state.chart = wanted.find(word => ['timeline', 'memory', 'steps'].includes(word));
  if (wanted.includes('time') && total) $('colour').value = state.colour = 'time';
  legend();
  show(wanted.includes('after') ? 'after' : 'before');
  drawChart();
  const named = wanted.map(word => shown.nodes.find(node => node.title === word)).find(Boolean);
  if (named) pick('node', named.id, true); else describe(null);
  document.body.dataset.ready = 'yes';
}

start();
