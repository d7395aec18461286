"""Image files made by an enemy or by an accident: refused at once, by name, or shown rightly."""

import os
import resource
import struct
import sys
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from innerview.errors import ImageError
from innerview.network.images import read_image


def chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(rows: int, columns: int, depth: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def jpeg(rows: int, columns: int) -> bytes:
    frame = struct.pack(">BHHB", 8, rows, columns, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    scan = bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])
    parts = ((0xC0, frame), (0xDA, scan))
    segments = b"".join(struct.pack(">BBH", 255, kind, len(body) + 2) + body for kind, body in parts)
    return b"\xff\xd8" + segments + b"\xff\xd9"


def gif(rows: int, columns: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", columns, rows, 0, 0, 0) + b";"


def bmp(rows: int, columns: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, columns, rows, 1, 24, 0, 0, 0, 0, 0, 0)


def webp(rows: int, columns: int) -> bytes:
    edges = struct.pack("<I", columns - 1)[:3] + struct.pack("<I", rows - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + edges
    return b"RIFF" + struct.pack("<I", len(body)) + body


def refusal(path: Path) -> ImageError:
    with pytest.raises(ImageError) as error:
        read_image(path)
    assert error.value.path == path
    assert repr(str(path)) in str(error.value)
    return error.value


BOMBS = {
    "PNG 60000": png(60_000, 60_000),
    "PNG 1 bit": png(20_000, 20_000, depth=1, colour=0),
    "PNG beyond the edge": png(1, 16_385),
    "PNG just beyond the cap": png(8_000, 5_001),
    "JPEG": jpeg(13_000, 13_000),
    "GIF": gif(65_535, 65_535),
    "BMP": bmp(30_000, 30_000),
    "WEBP": webp(16_383, 16_383),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_on_their_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(BOMBS[name])
    Image.init()
    memory, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    error = refusal(path)
    assert error.kind == "too large" or name in ("WEBP", "GIF")
    assert time.perf_counter() - start < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 20 * 1024


def test_a_size_beyond_the_cap_says_both(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(8_000, 5_001))
    assert str(refusal(path)) == (
        f"{str(path)!r} has 8,000 × 5,001 pixels, more than 40,000,000 in all or 16,384 an edge; shrink it"
    )


def test_a_huge_later_frame_is_never_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    Image.new("RGB", (4, 4), "red").save(path)
    huge = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x4c\x01\x00"
    path.write_bytes(path.read_bytes()[:-1] + huge + b";")
    assert read_image(path).getpixel((0, 0)) == (255, 0, 0)


DISGUISED = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
    "PDF": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
    "PSD": b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 4, 4, 8, 3),
    "FITS": b"SIMPLE  =                    T" + b" " * 2850,
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "HTML": b"<html><script>alert(1)</script></html>",
    "ZIP": b"PK\x03\x04" + bytes(60),
    "ICO": b"\x00\x00\x01\x00\x01\x00" + bytes(40),
    "PPM": b"P6 1 1 255\n\x00\x00\x00",
}


@pytest.mark.parametrize("name", DISGUISED)
def test_other_formats_are_refused_and_start_no_process(tmp_path: Path, name: str) -> None:
    path = tmp_path / "innocent.png"
    path.write_bytes(DISGUISED[name])
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
    assert refusal(path).kind == "format"
    assert started == []


def noise(path: Path, **settings: object) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(values).save(path, **settings)
    return path.read_bytes()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "gif"])
def test_a_cut_file_is_refused_by_name(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a.{suffix}"
    content = noise(path)
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path).kind in ("truncated", "broken", "format")


def test_a_cut_jpeg_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    content = noise(path)
    path.write_bytes(content[: len(content) // 2])
    assert str(refusal(path)).startswith(f"{str(path)!r} is truncated and cannot be decoded (image file is trunc")


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"IEND"])
def test_a_wrong_checksum_is_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.png"
    content = bytearray(noise(path))
    start = content.index(kind)
    length = struct.unpack(">I", content[start - 4 : start])[0]
    content[start + 4 + length] ^= 1
    path.write_bytes(content)
    assert str(refusal(path)) == f"{str(path)!r} is broken: a checksum is wrong; copy or download it again"


@pytest.mark.parametrize("content", [b"\x00", b"GIF89a", b"\xff\xd8\xff", bytes(range(256)) * 9])
def test_random_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert refusal(tmp_path / "a.jpg").kind in ("format", "broken", "truncated")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "fifo.png")
    assert str(refusal(tmp_path / "empty.png")) == (
        f"{str(tmp_path / 'empty.png')!r} is empty; copy or download it again"
    )
    assert refusal(tmp_path / "folder.jpg").kind == "no file"
    assert refusal(tmp_path / "fifo.png").kind == "no file"
    assert str(refusal(tmp_path / "absent.png")) == (
        f"there is no file {str(tmp_path / 'absent.png')!r}; check the path"
    )
    assert refusal(tmp_path / "empty.png" / "x").kind == "missing"
    assert refusal(tmp_path / "nul\0.png").kind == "unreadable"
    assert refusal(tmp_path / ("long" * 100)).kind == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    noise(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    assert refusal(tmp_path / "a.png").kind == "unreadable"


@pytest.mark.parametrize("name", ['"><img onerror=x>.png', "a\nb.png", "{{7*7}}.png", "\u202egnp.png", "-rf.png"])
def test_hostile_names_are_quoted_in_one_line(tmp_path: Path, name: str) -> None:
    assert "\n" not in str(refusal(tmp_path / name))
    noise(tmp_path / name)
    assert read_image(tmp_path / name).size == (64, 64)


def test_fifty_thousand_frames_cost_as_much_as_one(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    Image.new("RGB", (8, 8), "red").save(path)
    one = path.read_bytes()
    frame = one[one.index(b",") : -1]
    path.write_bytes(one[:-1] + frame * 50_000 + b";")
    start = time.process_time()
    assert read_image(path).getpixel((0, 0)) == (255, 0, 0)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("count", [100_000, 3_000_000])
def test_a_png_ground_to_dust_is_refused_at_once(tmp_path: Path, count: int) -> None:
    plain = png(1, 1, data=b"\x00\x01\x02\x03")
    (tmp_path / "a.png").write_bytes(plain[:33] + chunk(b"tEXt", b"") * count + plain[33:])
    start = time.process_time()
    assert str(refusal(tmp_path / "a.png")).endswith("a.png' has more than 50,000 chunks; save it again")
    assert time.process_time() - start < 2


def test_thousands_of_text_chunks_end_soon(tmp_path: Path) -> None:
    plain = png(1, 1, data=b"\x00\x01\x02\x03")
    (tmp_path / "a.png").write_bytes(plain[:33] + chunk(b"tEXt", b"key\x00value") * 10_000 + plain[33:])
    start = time.process_time()
    assert read_image(tmp_path / "a.png").getpixel((0, 0)) == (1, 2, 3)
    assert time.process_time() - start < 2


def test_a_text_bomb_is_refused_or_skipped(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("key", "x" * 70_000_000, zip=True)
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png", pnginfo=info)
    assert refusal(tmp_path / "a.png").kind == "broken"


BROKEN_EXIF = {
    "no TIFF header": b"Exif\x00\x00garbage",
    "an offset into nowhere": b"Exif\x00\x00MM\x00*\xff\xff\xff\xf0",
    "a directory that is its own next": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x08",
    "an orientation of 77": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00M\x00\x00",
    "an orientation in words": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x02\x00\x00\x00\x04up!\x00",
    "cut": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x09\x01",
}


@pytest.mark.parametrize("kind", BROKEN_EXIF)
def test_broken_metadata_counts_as_upright(tmp_path: Path, kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 256, (8, 16, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png", exif=BROKEN_EXIF[kind])
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.png")), values)
    Image.fromarray(values).save(tmp_path / "a.jpg", exif=BROKEN_EXIF[kind])
    assert read_image(tmp_path / "a.jpg").size == (16, 8)


def test_the_warning_filters_survive_many_threads(tmp_path: Path) -> None:
    noise(tmp_path / "a.jpg", exif=BROKEN_EXIF["cut"])
    before = warnings.filters[:]
    threads = [threading.Thread(target=lambda: [read_image(tmp_path / "a.jpg") for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_the_users_own_settings_of_pillow_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    noise(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").size == (64, 64)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True
    assert Image.MAX_IMAGE_PIXELS == 3000
