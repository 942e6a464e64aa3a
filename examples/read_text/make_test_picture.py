#!/usr/bin/env python3
"""Draws test.png (needs Pillow and the DejaVu fonts): make_test_picture.py [OUT.png]"""
import os
import sys

from PIL import Image, ImageDraw, ImageFont

FONTS = '/usr/share/fonts/truetype/dejavu/'
LINES = [  # text, font, size, x, y, colour, degrees against the clock
    ('Belay reads text', 'DejaVuSans-Bold.ttf', 56, 50, 30, (20, 40, 90), 0),
    ('The quick brown fox jumps over the lazy dog.', 'DejaVuSans.ttf', 28, 50, 125, (0, 0, 0), 0),
    ('Pack my box with five dozen liquor jugs', 'DejaVuSerif.ttf', 22, 50, 185, (60, 20, 20), 0),
    ('Invoice No. 2024-0917', 'DejaVuSansMono.ttf', 26, 50, 245, (0, 0, 0), 0),
    ('Total: 1,234.56 EUR', 'DejaVuSansMono-Bold.ttf', 26, 480, 245, (150, 0, 0), 0),
    ('Slightly turned, still readable', 'DejaVuSans.ttf', 32, 60, 300, (0, 80, 40), 4),
    ('small print: phone +49 30 1234567', 'DejaVuSans.ttf', 17, 50, 430, (70, 70, 70), 0),
]


def main():
    picture = Image.new('RGB', (900, 490), (250, 248, 240))
    for text, font, size, x, y, color, degrees in LINES:
        face = ImageFont.truetype(FONTS + font, size)
        left, top, right, bottom = face.getbbox(text)
        layer = Image.new('RGBA', (right + 8, bottom + 8), color + (0,))
        ImageDraw.Draw(layer).text((4, 4), text, font=face, fill=color + (255,))
        layer = layer.rotate(degrees, expand=True, resample=Image.Resampling.BICUBIC)
        picture.paste(layer, (x, y), layer)
    ImageDraw.Draw(picture).rectangle((20, 15, 880, 475), outline=(120, 120, 160), width=2)
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'test.png')
    picture.save(out, optimize=True)


if __name__ == '__main__':
    main()
