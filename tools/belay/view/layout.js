// Layered drawing of a directed acyclic graph. nodes: [{w, h, sink?}], edges: [[from, to]]; sets x and y (centres) of
// each node and returns {width, height, paths}: by edge, the points it runs through.
function layOut(nodes, edges) {
  const GAP_X = 26, GAP_Y = 44, DUMMY = 10, ROUNDS = 10;
  const n = nodes.length;
  const out = nodes.map(() => []), into = nodes.map(() => []);
  for (const [a, b] of edges) { out[a].push(b); into[b].push(a); }

  // Ranks: longest way from a source; then sources move next to their first reader.
  const rank = new Array(n).fill(0), waiting = into.map(list => list.length), queue = [];
  for (let i = 0; i < n; i++) if (!waiting[i]) queue.push(i);
  for (let k = 0; k < queue.length; k++) {
    for (const b of out[queue[k]]) {
      rank[b] = Math.max(rank[b], rank[queue[k]] + 1);
      if (!--waiting[b]) queue.push(b);
    }
  }
  for (let i = 0; i < n; i++) {
    if (!into[i].length && out[i].length) rank[i] = Math.min(...out[i].map(b => rank[b])) - 1;
  }

  // Edges over several layers run through dummies, one a layer; those of one node share them.
  const cells = nodes.map((node, i) => ({rank: rank[i], w: node.w, x: 0, up: [], down: []}));
  const lanes = nodes.map(() => []);
  const join = (above, below) => {
    cells[above].down.push(below);
    cells[below].up.push(above);
  };
  const chains = edges.map(([a, b]) => {
    const lane = lanes[a];
    for (let r = rank[a] + 1 + lane.length; r < rank[b]; r++) {
      cells.push({rank: r, w: DUMMY, x: 0, up: [], down: [], dummy: true});
      join(lane.length ? lane[lane.length - 1] : a, cells.length - 1);
      lane.push(cells.length - 1);
    }
    const before = lane.slice(0, Math.max(0, rank[b] - rank[a] - 1));
    join(before.length ? before[before.length - 1] : a, b);
    return [a, ...before, b];
  });
  const layers = [];
  cells.forEach((cell, i) => (layers[cell.rank] = layers[cell.rank] || []).push(i));
  for (let r = 0; r < layers.length; r++) layers[r] = layers[r] || [];

  // Order within layers by the mean place of neighbours, up and down in turn.
  const place = [];
  const number = layer => layer.forEach((i, k) => { place[i] = k; });
  layers.forEach(number);
  for (let round = 0; round < ROUNDS; round++) {
    const down = round % 2 === 0;
    const order = down ? layers.slice(1) : layers.slice(0, -1).reverse();
    for (const layer of order) {
      const mean = new Map();
      for (const i of layer) {
        const near = down ? cells[i].up : cells[i].down;
        mean.set(i, near.length ? near.reduce((s, j) => s + place[j], 0) / near.length : place[i]);
      }
      layer.sort((a, b) => mean.get(a) - mean.get(b) || place[a] - place[b]);
      number(layer);
    }
  }

  // Places: each cell wants to stand below (or above) its neighbours; order and gaps are kept.
  for (const layer of layers) {
    let x = 0;
    for (const i of layer) { cells[i].x = x + cells[i].w / 2; x += cells[i].w + GAP_X; }
  }
  const settle = (layer, wish) => {
    const left = [], right = [];
    layer.forEach((i, k) => {
      const before = layer[k - 1];
      left[k] = k ? Math.max(wish[k], left[k - 1] + (cells[before].w + cells[i].w) / 2 + GAP_X) : wish[k];
    });
    for (let k = layer.length - 1; k >= 0; k--) {
      const after = layer[k + 1];
      right[k] = after !== undefined
        ? Math.min(wish[k], right[k + 1] - (cells[after].w + cells[layer[k]].w) / 2 - GAP_X) : wish[k];
    }
    layer.forEach((i, k) => { cells[i].x = (left[k] + right[k]) / 2; });
  };
  // Nodes follow nodes and long edges themselves, so that neither bends the other's column.
  const pull = (i, j) => !cells[i].dummy === !cells[j].dummy ? 1 : .05;
  for (let round = 0; round < 2 * ROUNDS; round++) {
    const down = round % 2 === 0;
    for (const layer of down ? layers : layers.slice().reverse()) {
      settle(layer, layer.map(i => {
        const near = down ? cells[i].up : cells[i].down;
        const sum = near.reduce((s, j) => s + pull(i, j), 0);
        return near.length ? near.reduce((s, j) => s + pull(i, j) * cells[j].x, 0) / sum : cells[i].x;
      }));
    }
  }

  let least = Infinity, most = -Infinity, y = 0;
  const top = [], height = [];
  layers.forEach((layer, r) => {
    height[r] = Math.max(DUMMY, ...layer.map(i => nodes[i] ? nodes[i].h : 0));
    top[r] = y;
    y += height[r] + GAP_Y;
    for (const i of layer) {
      least = Math.min(least, cells[i].x - cells[i].w / 2);
      most = Math.max(most, cells[i].x + cells[i].w / 2);
    }
  });
  if (!cells.length) return {width: 1, height: 1, paths: []};
  nodes.forEach((node, i) => {
    node.x = cells[i].x - least;
    node.y = top[rank[i]] + height[rank[i]] / 2;
  });
  const paths = chains.map(chain => chain.flatMap((i, k) => {
    const cell = cells[i], x = cell.x - least, from = top[cell.rank], to = from + height[cell.rank];
    if (!cell.dummy) {
      const middle = (from + to) / 2, half = nodes[i].h / 2;
      return [[x, k ? middle - half : middle + half]];
    }
    return [[x, from], [x, to]];
  }));
  return {width: most - least, height: y - GAP_Y, paths};
}
