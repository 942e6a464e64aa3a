// The charts under the graph. Each draws into `box` and calls pick(kind, index) for what is clicked.
const SVG = 'http://www.w3.org/2000/svg';
function svg(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (parent) parent.appendChild(element);
  return element;
}

function titled(element, text) {
  svg('title', {}, element).textContent = text;
  return element;
}

const bytesText = n => n >= 1 << 20 ? (n / (1 << 20)).toFixed(2) + ' MiB' : n >= 1024 ? (n / 1024).toFixed(1) + ' KiB' : n + ' B';
const timeText = us => us >= 1000 ? (us / 1000).toFixed(3) + ' ms' : us.toFixed(1) + ' µs';

// About `count` round numbers from 0 to `most`.
function ticks(most, count) {
  const rough = most / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(f => f * power).find(f => f >= rough);
  const list = [];
  for (let v = 0; v <= most * 1.0001; v += step) list.push(v);
  return list;
}

// One bar a step; steps of branches stand below the step they are in.
function drawTimeline(box, records, scale, pick) {
  const end = Math.max(...records.map(r => r.start_us + r.us)), LEFT = 8, ROW = 26, TOP = 22;
  const rows = [...new Set(records.map(r => r.thread * 100 + r.depth))].sort((a, b) => a - b);
  const width = Math.max(box.clientWidth - 30, 300) * scale, unit = (width - 2 * LEFT) / end;
  const picture = svg('svg', {width, height: TOP + rows.length * ROW + 6, id: 'timeline'}, box);
  for (const t of ticks(end, 8 * scale)) {
    const x = LEFT + t * unit;
    svg('line', {x1: x, x2: x, y1: TOP - 4, y2: TOP + rows.length * ROW, class: 'axis'}, picture);
    svg('text', {x: x + 2, y: 12}, picture).textContent = timeText(t);
  }
  records.forEach(r => {
    const x = LEFT + r.start_us * unit, y = TOP + rows.indexOf(r.thread * 100 + r.depth) * ROW;
    const wide = Math.max(r.us * unit, 1);
    const bar = svg('rect', {x, y, width: wide, height: ROW - 4, rx: 2, fill: PALETTE[r.group][0], class: 'block'}, picture);
    titled(bar, `${r.name}\n${r.kernel}\n${timeText(r.us)}`);
    if (r.depth === 0) {
      bar.dataset.step = r.step;
      bar.addEventListener('click', () => pick('step', r.step));
    }
    if (wide > 46) {
      svg('text', {x: x + 4, y: y + 15, class: 'inside'}, picture).textContent = shorten(r.name, Math.max(4, Math.floor(wide / 7)));
    }
  });
}

// Buffers of the arena: steps to the right, addresses upwards.
function drawMemory(box, variant, scale, pick) {
  const temps = variant.slots.map((slot, s) => ({...slot, s})).filter(slot => slot.offset !== undefined && slot.bytes > 0);
  const LEFT = 74, TOP = 12, BOTTOM = 22, height = Math.max(box.clientHeight - 12, 180);
  const width = Math.max(box.clientWidth - 30, 300) * scale, steps = variant.steps.length;
  const dx = (width - LEFT - 10) / steps, dy = (height - TOP - BOTTOM) / Math.max(variant.arena_bytes, 1);
  const picture = svg('svg', {width, height, id: 'memory'}, box);
  const yOf = bytes => height - BOTTOM - bytes * dy;
  for (const t of ticks(Math.max(variant.arena_bytes, 1), 4)) {
    svg('line', {x1: LEFT, x2: width, y1: yOf(t), y2: yOf(t), class: 'axis'}, picture);
    svg('text', {x: LEFT - 6, y: yOf(t) + 4, 'text-anchor': 'end'}, picture).textContent = bytesText(Math.round(t));
  }
  for (const t of ticks(steps, 10)) {
    svg('text', {x: LEFT + t * dx, y: height - 6}, picture).textContent = 'step ' + Math.round(t);
  }
  const live = new Array(steps).fill(0);
  for (const slot of temps) {
    const [first, last] = slot.alive;
    for (let k = first; k <= last; k++) live[k] += slot.bytes;
    const step = variant.steps[first];
    const rect = svg('rect', {
      x: LEFT + first * dx, y: yOf(slot.offset + slot.bytes), width: Math.max((last - first + 1) * dx - .5, .8),
      height: Math.max(slot.bytes * dy, .8), fill: PALETTE[groupOfStep(step)][0],
      class: 'block',
    }, picture);
    rect.dataset.step = first;
    titled(rect, `%${slot.s}  ${slotText(slot)}  ${bytesText(slot.bytes)} at ${slot.offset}\nwritten by ${titleOfStep(step, first)}, read until step ${last}`);
    rect.addEventListener('click', () => pick('step', first));
  }
  return Math.max(0, ...live);
}

function drawSteps(box, rows, pick) {
  const columns = [
    ['#', r => r.step, r => r.step, 'n'], ['time', r => timeText(r.us), r => -r.us, 'n'],
    ['share', r => (100 * r.share).toFixed(1) + ' %', r => -r.share, 'n'],
    ['GFLOP/s', r => r.flops ? (r.flops / r.us / 1000).toFixed(1) : '', r => r.us ? -r.flops / r.us : 0, 'n'],
    ['memory', r => bytesText(r.bytes), r => -r.bytes, 'n'],
    ['step', r => r.name, r => r.name], ['kernel', r => r.kernel, r => r.kernel], ['nodes', r => r.nodes.length, r => -r.nodes.length, 'n'],
  ];
  const table = document.createElement('table'), head = table.createTHead().insertRow(), body = table.createTBody();
  const fill = () => {
    body.textContent = '';
    for (const row of rows) {
      const tr = body.insertRow();
      tr.className = 'row';
      tr.dataset.step = row.step;
      for (const [, text, , kind] of columns) {
        const td = tr.insertCell();
        td.textContent = text(row);
        td.className = kind || '';
      }
      tr.addEventListener('click', () => pick('step', row.step));
    }
  };
  for (const [name, , key, kind] of columns) {
    const th = document.createElement('th');
    th.textContent = name;
    th.className = kind || '';
    th.addEventListener('click', () => { rows.sort((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0); fill(); });
    head.appendChild(th);
  }
  fill();
  box.appendChild(table);
}
