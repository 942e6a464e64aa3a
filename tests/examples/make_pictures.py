#!/usr/bin/env python3
"""Draws the pictures of this folder (needs Pillow and the DejaVu fonts): dark.png, turned.png, columns.png"""
import os

from PIL import Image, ImageDraw, ImageFont

FONTS = '/usr/share/fonts/truetype/dejavu/'
HERE = os.path.dirname(os.path.abspath(__file__))


def draw(name, size, background, lines, degrees=0):
    picture = Image.new('RGB', size, background)
    pen = ImageDraw.Draw(picture)
    for text, font, points, x, y, color in lines:
        pen.text((x, y), text, font=ImageFont.truetype(f'{FONTS}{font}.ttf', points), fill=color)
    picture = picture.rotate(degrees, expand=True, fillcolor=background, resample=Image.Resampling.BICUBIC)
    picture.quantize(64).save(os.path.join(HERE, name), optimize=True)


draw('dark.png', (430, 240), (30, 30, 40), [
    ('Night mode', 'DejaVuSans', 30, 20, 20, (240, 240, 240)),
    ('for (int i = 0; i < 7; ++i)', 'DejaVuSansMono', 20, 20, 80, (120, 220, 120)),
    ('Status: all green', 'DejaVuSans-Bold', 22, 20, 130, (255, 190, 90)),
    ('2031-05-17 08:42', 'DejaVuSans', 18, 20, 190, (180, 180, 255))])
draw('turned.png', (820, 420), (235, 225, 200), [
    ('Sphinx of black quartz, judge my vow', 'DejaVuSerifCondensed', 38, 30, 30, (40, 20, 0)),
    ('Waltz, bad nymph, for quick jigs', 'DejaVuSansCondensed-Oblique', 34, 40, 120, (0, 0, 0)),
    ('Room 314, Building 26', 'DejaVuSansMono', 36, 40, 210, (0, 0, 90)),
    ('EXIT', 'DejaVuSans-Bold', 70, 560, 300, (0, 90, 90))], degrees=8)
draw('columns.png', (900, 330), (255, 255, 255), [
    ('Quarterly figures', 'DejaVuSerif-Bold', 52, 40, 20, (0, 0, 0)),
    ('Paper', 'DejaVuSerif', 28, 40, 120, (0, 0, 0)),
    ('48 boxes', 'DejaVuSerif', 28, 400, 120, (0, 0, 0)),
    ('$310.75', 'DejaVuSerif', 28, 700, 120, (160, 0, 0)),
    ('Ink', 'DejaVuSerif', 28, 40, 180, (0, 0, 0)),
    ('9 bottles', 'DejaVuSerif', 28, 400, 180, (0, 0, 0)),
    ('$64.20', 'DejaVuSerif', 28, 700, 180, (160, 0, 0)),
    ('The five boxing wizards jump quickly', 'DejaVuSans-Oblique', 24, 40, 260, (60, 60, 60))])
