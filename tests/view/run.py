#!/usr/bin/env python3
"""Pages of `belay view`, and dumped graphs in Netron, in headless Chromium: run.py BELAY [FOLDER]. What they draw is
checked in the document and in screenshots, which stay in FOLDER."""
import collections
import glob
import html.parser
import http.server
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
import zlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

NETRON = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'belay', 'netron-9.3.3')
WIDTH, HEIGHT = 1600, 1000
BLOCKS = 70  # of seven nodes each
# Put before all scripts of a copy of the page: errors, then what `act` found, end up in the document.
WATCH = '<script>window.errors = []; addEventListener("error", e => errors.push(e.message));</script>'
ACT = '''<pre id="result"></pre><script>
addEventListener("load", () => {
  const result = {};
  try { (%s)(result); } catch (e) { errors.push(String(e)); }
  result.errors = errors;
  document.getElementById("result").textContent = JSON.stringify(result);
});</script></body>'''


def big_model(path):
    """About 500 nodes: products, norms, branches that meet again, and one value that every block reads."""
    rng = np.random.default_rng(1)
    nodes, weights, at = [h.make_node('Sigmoid', ['m'], ['mask'], name='mask')], [], 'x'
    for b in range(BLOCKS):
        w = f'w{b}'
        weights.append(numpy_helper.from_array(rng.standard_normal((32, 32)).astype(np.float32) / 6, w))
        block = [('MatMul', [at, w], 'p'), ('Relu', [f'p{b}'], 'r'), ('Tanh', [f'p{b}'], 't'), ('Mul', [f'r{b}', f't{b}'], 'q'),
                 ('Mul', [f'q{b}', 'mask'], 'k'), ('Add', [f'k{b}', at], 'a'), ('Softmax', [f'a{b}'], 's')]
        nodes += [h.make_node(kind, ins, [f'{out}{b}'], name=f'{kind.lower()}_{b}') for kind, ins, out in block]
        at = f's{b}'
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, (16, 32))
    graph = h.make_graph(nodes, 'big', [info('x'), info('m')], [info(at)], weights)
    onnx.save(h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid('', 17)]), path)
    return len(nodes)


def chromium(*args):
    with tempfile.TemporaryDirectory() as profile:
        flags = ['--headless=new', '--disable-gpu', '--hide-scrollbars', '--no-first-run', '--disable-extensions',
                 f'--user-data-dir={profile}', f'--window-size={WIDTH},{HEIGHT}', '--virtual-time-budget=20000',
                 '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']
        if os.geteuid() == 0:
            flags.append('--no-sandbox')
        done = subprocess.run(['chromium', *flags, *args], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


def acted(page, script, anchor=''):
    """What `script`, a function of an object, left in it when the page had loaded; no script may have failed."""
    text = open(page, encoding='utf-8').read()
    copy = page.replace('.html', '.acted.html')
    with open(copy, 'w', encoding='utf-8') as f:
        f.write(text.replace('<head>', '<head>' + WATCH, 1).replace('</body>', ACT % script, 1))

    class Result(html.parser.HTMLParser):
        inside, text = False, ''

        def handle_starttag(self, tag, attrs):
            self.inside = dict(attrs).get('id') == 'result'

        def handle_data(self, data):
            self.text += data if self.inside else ''

    result = Result()
    result.feed(chromium('--dump-dom', f'file://{copy}{anchor}'))
    found = json.loads(result.text)
    assert found.pop('errors') == [], found
    return found


def pixels(file):
    """A PNG of 8 bits a channel as rows of RGB."""
    data = open(file, 'rb').read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n'
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', body[:10])
            assert depth == 8 and colour in (2, 6), (depth, colour)
        packed += body if kind == b'IDAT' else b''
        at += 12 + size
    step = 3 if colour == 2 else 4
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * step)
    image = np.zeros((height, width * step), np.uint8)
    for y, line in enumerate(lines):
        above = image[y - 1].astype(int) if y else np.zeros(width * step, int)
        raw, kind = line[1:].astype(int), line[0]
        if kind == 2:
            raw = raw + above
        elif kind:
            for x in range(width * step):
                left = raw[x - step] if x >= step else 0
                corner = above[x - step] if x >= step else 0
                guess = left + above[x] - corner
                paeth = min((left, above[x], corner), key=lambda v: abs(guess - v))
                raw[x] = (raw[x] + {1: left, 3: (left + above[x]) // 2, 4: paeth}[int(kind)]) & 255
        image[y] = raw & 255
    return image.reshape(height, width, step)[:, :, :3]


def share(image, colour):
    """The part of the pixels that is about of this colour."""
    want = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)])
    return float((np.abs(image.astype(int) - want).max(axis=2) < 12).mean())


def screenshot(page, anchor, file):
    chromium(f'--screenshot={file}', f'file://{page}{anchor}')
    image = pixels(file)
    assert image.shape[1] == WIDTH and image.shape[0] >= HEIGHT - 200, image.shape
    return image


COUNTS = '''r => {
  const all = s => document.querySelectorAll(s).length;
  r.nodes = all("#graph .node"); r.edges = all("#graph path"); r.ready = document.body.dataset.ready;
  r.outside = performance.getEntriesByType("resource").length;
  const boxes = [...document.querySelectorAll("#graph .node")].map(n => n.getAttribute("transform").match(/[-\\d.]+/g).map(Number))
    .map(([x, y], i) => [x, y, shown.nodes[i].w, shown.nodes[i].h]);
  r.overlaps = 0;
  for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) {
    if (Math.abs(a[0] - b[0]) < (a[2] + b[2]) / 2 - 1 && Math.abs(a[1] - b[1]) < (a[3] + b[3]) / 2 - 1) r.overlaps++;
  }
  r.upward = shown.edges.filter(([a, b]) => shown.nodes[a].y >= shown.nodes[b].y).length;
}'''
CLICKS = '''r => {
  const click = e => e.dispatchEvent(new MouseEvent("click", {bubbles: true}));
  const details = () => document.getElementById("details").textContent;
  const node = title => drawn.nodes[shown.nodes.findIndex(n => n.title === title)];
  click(node("relu_3")); r.node = details(); r.near = document.querySelectorAll("#graph .near").length;
  click(document.querySelector("#details a")); r.view = state.view; r.step = details();
  const box = document.getElementById("search");
  box.value = "softmax_4"; box.dispatchEvent(new Event("input")); r.found = document.getElementById("found").textContent;
  r.matches = document.querySelectorAll("#graph .match").length;
  const before = camera.zoom;
  document.getElementById("graph").dispatchEvent(new WheelEvent("wheel", {deltaY: -400, bubbles: true, cancelable: true}));
  r.zoomed = camera.zoom / before;
  for (const name of ["memory", "timeline", "steps"]) {
    click(document.querySelector(`[data-chart=${name}]`));
    r[name] = document.querySelectorAll("#chart [data-step]").length;
  }
  click(document.querySelector("#chart tr.row")); r.row = document.querySelectorAll("#chart tr.picked").length;
  document.getElementById("constants").click(); r.constants = shown.nodes.filter(n => n.constant).length;
}'''


def drawn_whole(page, nodes):
    before, after = acted(page, COUNTS), acted(page, COUNTS, '#after')
    assert before['nodes'] == nodes + 3 and before['edges'] == 10 * BLOCKS + 2, before  # two inputs and a result
    steps = 2 * BLOCKS + 1
    assert after['nodes'] == steps + 3 and after['edges'] >= steps + 1, after
    for found in before, after:
        assert found['ready'] == 'yes' and found['outside'] == 0 and found['overlaps'] == 0 and found['upward'] == 0, found


def answers_clicks(page, nodes):
    found = acted(page, CLICKS)
    assert 'relu_3' in found['node'] and 'Relu' in found['node'] and 'step' in found['node'] and found['near'] >= 2, found['node']
    assert found['view'] == 'after' and 'matmul_3' in found['step'] and 'contract(' in found['step'], found['step']
    assert found['found'] == '11 found' and found['matches'] == 11, found  # softmax_4 and softmax_40 to softmax_49
    assert found['zoomed'] > 1.2 and found['steps'] == found['timeline'] == 2 * BLOCKS + 1, found
    assert found['memory'] >= 2 * BLOCKS - 1 and found['row'] == 1 and found['constants'] >= BLOCKS, found


def looks_right(page, nodes, folder):
    image = screenshot(page, '#before', os.path.join(folder, 'before.png'))
    stage, chart, panel = image[70:680, :1200], image[760:, :1200], image[50:600, 1240:]
    for colour in '#f4a259', '#7db8ea', '#b58bd9':  # products, elementwise, reductions
        assert share(stage, colour) > .002, (colour, share(stage, colour))
    assert share(chart, '#f4a259') + share(chart, '#b58bd9') > .01
    assert .5 < share(panel, '#ffffff') < .99
    image = screenshot(page, '#after&memory&time', os.path.join(folder, 'after.png'))
    assert share(image[760:, :1200], '#f4a259') > .02 and share(image[70:680, :1200], '#f4a259') < .02


def text_of(file):
    """What Netron draws of a model, as Chromium's document."""
    sys.path.insert(0, NETRON)
    import netron
    target = 'http://%s:%s/' % netron.start(file, browse=False)

    class Consent(http.server.BaseHTTPRequestHandler):
        """Netron first asks for leave to set cookies; a cookie of any port of this machine is the answer."""

        def do_GET(self):
            self.send_response(302)
            self.send_header('Set-Cookie', 'consent=1; Path=/')
            self.send_header('Location', target.replace('localhost', '127.0.0.1'))
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(('127.0.0.1', 0), Consent)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        return chromium('--dump-dom', f'http://127.0.0.1:{server.server_port}/')
    finally:
        server.shutdown()
        netron.stop()


def opens_in_netron(belay, folder):
    """Every node of every dumped stage is drawn under its type."""
    folder = os.path.join(folder, 'dumps')
    model = os.path.join(folder, 'small.onnx')
    os.makedirs(folder, exist_ok=True)
    w = numpy_helper.from_array(np.eye(8, dtype=np.float32), 'w')
    nodes = [h.make_node('MatMul', ['x', 'w'], ['p']), h.make_node('Relu', ['p'], ['r']), h.make_node('Softmax', ['r'], ['y'])]
    info = lambda name: h.make_tensor_value_info(name, T.FLOAT, (4, 8))
    graph = h.make_graph(nodes, 'small', [info('x')], [info('y')], [w])
    onnx.save(h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid('', 17)]), model)
    env = dict(os.environ, DUMP_GE_GRAPH='2', DUMP_GRAPH_PATH=folder)
    subprocess.run([belay, 'run', model], check=True, env=env, stdout=subprocess.DEVNULL)
    for stage in 'PreRunBegin', 'PreRunAfterInferShape', 'Build':
        file = max(glob.glob(os.path.join(folder, 'pid_*', f'ge_onnx_*_{stage}.pbtxt')), key=os.path.getmtime)
        wanted = collections.Counter(re.findall(r'op_type: "([^"]*)"', open(file).read()))
        drawn = collections.Counter(re.findall(r'<text[^>]*>([^<]*)</text>', text_of(file)))
        assert sum(wanted.values()) >= 2, wanted
        for kind, count in wanted.items():
            assert drawn[kind] >= count, (stage, kind, count, drawn)


def main():
    belay = os.path.abspath(sys.argv[1])
    folder = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else tempfile.mkdtemp(prefix='belay_view_')
    os.makedirs(folder, exist_ok=True)
    model, page, failed = os.path.join(folder, 'big.onnx'), os.path.join(folder, 'big.html'), 0
    nodes = big_model(model)
    subprocess.run([belay, 'view', model, '-o', page, '--runs', '5'], check=True, timeout=300)
    tests = (lambda: drawn_whole(page, nodes), lambda: answers_clicks(page, nodes), lambda: looks_right(page, nodes, folder),
             lambda: opens_in_netron(belay, folder))
    for test in tests:
        try:
            test()
        except Exception:
            failed += 1
            traceback.print_exc(file=sys.stdout)
    print(f'pages and screenshots: {folder}')
    print(f'{len(tests) - failed} passed, {failed} failed')
    sys.exit(failed != 0)


if __name__ == '__main__':
    main()
