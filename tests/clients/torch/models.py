"""Models that the programs compile: small, in the forms that people write."""
import math

import torch
from torch import nn
from torch.nn import functional as F


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 16), nn.Linear(16, 4)

    def forward(self, x):
        return self.outer(F.gelu(self.inner(x), approximate='tanh'))


class ConvNet(nn.Module):
    """Convolutions with batch norm, a residual, a depthwise convolution, pooling, a classifier."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                   nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8))
        self.pool, self.last = nn.MaxPool2d(2), nn.Linear(8, 5)

    def forward(self, x):
        x = self.stem(x)
        x = self.pool(F.relu(x + self.block(x)))
        return F.log_softmax(self.last(F.adaptive_avg_pool2d(x, 1).flatten(1)), -1)


class EncoderBlock(nn.Module):
    """A transformer encoder layer, norm first; its attention written out or torch's."""

    def __init__(self, width=32, heads=4, fused=False):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def attend(self, q, k, v, mask):
        if self.fused:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), -1) @ v

    def forward(self, x, mask=None):
        batch, length, width = x.shape
        q, k, v = (t.view(batch, length, self.heads, -1).transpose(1, 2)
                   for t in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        x = x + self.out(self.attend(q, k, v, mask).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate='tanh'))


class Encoder(nn.Module):
    """Tokens and positions embedded, blocks with torch's attention, a last layer that shares the embedding's weights."""

    def __init__(self, vocabulary=40, width=32, heads=4, layers=2, longest=16):
        super().__init__()
        self.heads = heads
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(longest, width)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, fused=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens, mask):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x) @ self.tokens.weight.t()


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x):
        y = x.float()
        return self.weight * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


def half_turn(x):
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), -1)


class DecoderLayer(nn.Module):
    def __init__(self, width, heads, kv_heads, sdpa):
        super().__init__()
        self.heads, self.kv_heads, self.head = heads, kv_heads, width // heads
        self.sdpa = sdpa
        self.q, self.o = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, kv_heads * self.head, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(width, 2 * width, bias=False) for _ in range(2))
        self.down = nn.Linear(2 * width, width, bias=False)
        self.norm1, self.norm2 = RmsNorm(width), RmsNorm(width)

    def repeat(self, x):
        batch, _, length, _ = x.shape
        x = x[:, :, None].expand(batch, self.kv_heads, self.heads // self.kv_heads, length, self.head)
        return x.reshape(batch, self.heads, length, self.head)

    def attend(self, q, k, v, mask):
        if self.sdpa:
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        scores = q @ k.transpose(2, 3) / math.sqrt(self.head) + mask
        return torch.softmax(scores, -1, dtype=torch.float32).to(q.dtype) @ v

    def forward(self, x, cos, sin, mask, cache, position):
        batch, length, width = x.shape
        y = self.norm1(x)
        q = self.q(y).view(batch, length, self.heads, self.head).transpose(1, 2)
        k = self.k(y).view(batch, length, self.kv_heads, self.head).transpose(1, 2)
        v = self.v(y).view(batch, length, self.kv_heads, self.head).transpose(1, 2)
        q, k = q * cos + half_turn(q) * sin, k * cos + half_turn(k) * sin
        if cache is not None:
            for kept, new in zip(cache, (k, v)):
                if new.is_cpu:
                    kept.index_copy_(2, position, new)
                else:
                    torch.ops.npu.scatter_update_(kept, position, new, -2)
            k, v = cache
        y = self.attend(q, self.repeat(k), self.repeat(v), mask)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, width))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Decoder(nn.Module):
    """A language model like Llama: embedding, rotary positions, grouped attention, SwiGLU, a cache if given."""

    def __init__(self, vocabulary=32, width=16, heads=4, kv_heads=2, layers=2, sdpa=False):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(DecoderLayer(width, heads, kv_heads, sdpa) for _ in range(layers))
        self.norm, self.last = RmsNorm(width), nn.Linear(width, vocabulary, bias=False)
        head = width // heads
        self.register_buffer('frequency', 1.0 / (10000 ** (torch.arange(0, head, 2).float() / head)))

    def forward(self, tokens, position, mask, *caches):
        x = self.embedding(tokens)
        angle = position[:, None].float() * self.frequency.float()[None]
        angle = torch.cat((angle, angle), -1)
        cos, sin = angle.cos()[None, None].to(x.dtype), angle.sin()[None, None].to(x.dtype)
        for i, layer in enumerate(self.layers):
            x = layer(x, cos, sin, mask, caches[2 * i:2 * i + 2] if caches else None, position)
        return self.last(self.norm(x))
