"""programs.py [--dynamic] NAME...: runs the named programs on the device and compares with the CPU's results.

Prints `ok NAME` or `FAILED NAME: why` for each; the exit status is 0 if the process ended as it should.
"""
import copy
import sys
import traceback

import torch
import torch_npu
import torchair

import models

DYNAMIC = '--dynamic' in sys.argv
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__.replace('_', '-')] = function
    return function


def on_device(value):
    return value.npu() if isinstance(value, torch.Tensor) else value


def compile_for_device(model, dynamic):
    model = copy.deepcopy(model).npu() if isinstance(model, torch.nn.Module) else model
    return torch.compile(model, backend=torchair.get_npu_backend(), dynamic=dynamic)


def compare(model, calls, rtol=1e-5, atol=1e-5, in_place=(), dynamic=DYNAMIC):
    """Runs each call twice on the device: results, and the arguments changed in place, are those of the CPU."""
    model = model.eval() if isinstance(model, torch.nn.Module) else model
    compiled = compile_for_device(model, dynamic)
    with torch.no_grad():
        for arguments in calls:
            there = [on_device(a) for a in arguments]
            here = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
            for _ in range(2):
                want, have = model(*here), compiled(*there)
                one = isinstance(want, torch.Tensor)
                for w, h in zip([want] if one else want, [have] if one else have, strict=True):
                    assert h.device.type == 'npu', h.device
                    torch.testing.assert_close(h.cpu(), w, rtol=rtol, atol=atol)
                for i in in_place:
                    torch.testing.assert_close(there[i].cpu(), here[i], rtol=rtol, atol=atol)


def random(*shape):
    return torch.randn(*shape)


# Numbers of elements that repeat, so that first and later calls of a shape are both tried.
ROWS = (2, 5, 7, 2)


@program
def tensors():
    """Copies both ways, of every type that has bytes, of empty, odd and large sizes."""
    types = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int16,
             torch.int32, torch.int64, torch.bool)
    for dtype in types:
        for shape in ((), (0, 3), (1,), (7, 11), (513, 1025)):
            x = (torch.rand(shape) * 100).to(dtype)
            assert torch.equal(x.npu().cpu(), x), (dtype, shape)
    x = torch.arange(12.).view(3, 4).npu()
    assert torch.equal(x[1].cpu(), torch.arange(4., 8.))
    y = torch.empty_like(x)
    y.copy_(x)
    stream, event = torch.npu.Stream(), torch.npu.Event()
    with torch.npu.stream(stream):
        pinned = torch.arange(1000.).pin_memory()
        z = pinned.to('npu', non_blocking=True)
        event.record(stream)
    event.synchronize()
    assert event.query()
    assert torch.equal(z.cpu(), pinned) and torch.equal(y.cpu(), x.cpu())
    free, total = torch.npu.mem_get_info()
    assert 0 < free <= total
    torch.npu.synchronize()
    assert torch.npu.device_count() == 1


@program
def two_layers():
    compare(models.TwoLayers(), [(random(n, 8),) for n in ROWS])


@program
def two_layers_default():
    """As torch does when nothing is said: static at first, dynamic when a second shape comes."""
    compare(models.TwoLayers(), [(random(n, 8),) for n in ROWS], dynamic=None)


@program
def exact_gelu():
    """torchair makes GELU of Gelu, which is the tanh form everywhere in CANN."""
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4))
    compare(model, [(random(2, 8),)], rtol=1e-3, atol=1e-3)


@program
def elementwise():
    compare(lambda x, y: (torch.relu(x + y) * 2, x.sigmoid() - y.tanh(), (x * y).exp().clamp(max=3)),
            [(random(n, 9), random(n, 9)) for n in ROWS])


@program
def conv_net():
    model = models.ConvNet()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(), module.running_var.uniform_(0.5, 2)
    compare(model, [(random(n, 3, 16, 16),) for n in ROWS], rtol=1e-4, atol=1e-5)


@program
def encoder():
    compare(models.EncoderBlock(), [(random(2, n, 32),) for n in ROWS], rtol=1e-4, atol=1e-5)


@program
def encoder_sdpa():
    calls = [(torch.randint(0, 40, (2, n)), torch.full((n, n), float('-inf')).triu(1)) for n in ROWS]
    compare(models.Encoder(), calls, rtol=1e-4, atol=1e-5)


@program
def sizes():
    """Numbers of the program: torch gives those that change as inputs in host memory."""
    compare(lambda x, n: x[:n] * n + x.shape[0], [(random(9, 4), n) for n in ROWS])


@program
def arguments():
    """Results that are arguments: torch hands them on itself, and nothing is left for the graph."""
    compare(lambda x, y: (x.view(-1), y), [(random(n, 3), random(4)) for n in ROWS])


def decoder_calls(dtype, lengths):
    for n in lengths:
        mask = torch.full((1, 1, n, n), float('-inf'), dtype=dtype).triu(1)
        yield torch.randint(0, 32, (1, n)), torch.arange(n), mask


@program
def decoder():
    compare(models.Decoder(), decoder_calls(torch.float32, (5, 9, 5)), rtol=1e-4, atol=1e-5)


@program
def decoder_half():
    compare(models.Decoder().half(), decoder_calls(torch.float16, (5, 9, 5)), rtol=1e-2, atol=1e-2)


@program
def decoder_half_sdpa():
    compare(models.Decoder(sdpa=True).half(), decoder_calls(torch.float16, (5, 9, 5)), rtol=1e-2, atol=1e-2)


def main():
    names = [a for a in sys.argv[1:] if not a.startswith('--')]
    for name in names or PROGRAMS:
        torch.manual_seed(0)
        torch._dynamo.reset()
        try:
            PROGRAMS[name]()
            print('ok', name, flush=True)
        except Exception as error:
            traceback.print_exc()
            print(f'FAILED {name}: {str(error).strip().splitlines()[0] if str(error).strip() else repr(error)}', flush=True)


main()
