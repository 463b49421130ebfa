"""Offline jobs over HTTP: a video that can be opened, and what can go wrong."""

import asyncio
import io
import time
import wave
from collections.abc import AsyncIterator, Iterator
from typing import Any

import av
import httpx
import numpy as np
import pytest

from tests.unit.local_atlas.atlas_thread import LocalAtlasThread
from tests.unit.local_atlas.toys import StillAvatars, picture


def sound(seconds: float) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        t = np.arange(int(seconds * 16_000)) / 16_000
        file.writeframes((8000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16).tobytes())
    return out.getvalue()


@pytest.fixture(scope="module")
def running() -> Iterator[LocalAtlasThread]:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        yield atlas


@pytest.fixture
async def client(running: LocalAtlasThread) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {running.key}"}
    async with httpx.AsyncClient(base_url=running.base, headers=headers, verify=False) as client:
        yield client


async def generate(client: httpx.AsyncClient, audio: bytes, image: bytes) -> httpx.Response:
    return await client.post("/v1/generate", files={"audio": ("a.wav", audio), "image": ("i.png", image)})


async def finished(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        job: dict[str, Any] = (await client.get(f"/v1/jobs/{job_id}")).json()
        if job["status"] in ("completed", "failed"):
            return job
        await asyncio.sleep(0.02)
    raise AssertionError("the job did not end")


async def test_a_sound_and_a_picture_become_a_video(
    client: httpx.AsyncClient, running: LocalAtlasThread
) -> None:
    credit_cents = running.accounts.credit_cents
    answer = await generate(client, sound(1.0), picture())
    assert answer.status_code == 202
    assert answer.json()["status"] == "pending"
    job = await finished(client, answer.json()["job_id"])
    assert job["status"] == "completed"
    result = (await client.get(f"/v1/jobs/{job['job_id']}/result")).json()
    assert (result["content_type"], result["expires_in"]) == ("video/mp4", 3600)
    async with httpx.AsyncClient(verify=False) as keyless:
        film = (await keyless.get(result["url"])).content
        assert (await keyless.get(result["url"] + "x")).status_code == 404
    with av.open(io.BytesIO(film), "r") as video:
        pictures = list(video.decode(video=0))
        assert len(pictures) == 38
        assert (pictures[0].width, pictures[0].height) == (64, 96 * 2 // 3)
    with av.open(io.BytesIO(film), "r") as video:
        loud = max(int(np.abs(frame.to_ndarray()).max() * 32768) for frame in video.decode(audio=0))
        assert 6_000 < loud < 12_000
    assert running.accounts.credit_cents == credit_cents - 1


@pytest.mark.parametrize("audio", [b"no sound at all", sound(0.0), picture()])
async def test_what_is_no_sound_fails_the_job(client: httpx.AsyncClient, audio: bytes) -> None:
    job_id = (await generate(client, audio, picture())).json()["job_id"]
    job = await finished(client, job_id)
    assert job["status"] == "failed"
    assert "audio" in job["error"] or "sound" in job["error"]
    answer = await client.get(f"/v1/jobs/{job_id}/result")
    assert (answer.status_code, answer.json()["error"]) == (409, "not_ready")


async def test_a_bad_request_makes_no_job(client: httpx.AsyncClient) -> None:
    before = (await client.get("/v1/jobs")).json()["total"]
    files = {"audio": ("a.wav", sound(0.1)), "image": ("i.png", picture())}
    answers = [
        await client.post("/v1/generate", json={}),
        await client.post("/v1/generate", files={"audio": files["audio"]}),
        await generate(client, sound(0.1), b"text"),
        await client.post("/v1/generate", files=files, headers={"X-Callback-URL": "https://a.example/"}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert (await generate(client, b"\0" * 50_000_000, picture())).status_code == 413
    assert (await client.get("/v1/jobs/job_nobody")).status_code == 404
    assert (await client.get("/v1/jobs")).json()["total"] == before


async def test_the_list_is_paged_newest_first(client: httpx.AsyncClient) -> None:
    ids = [(await generate(client, sound(0.05), picture())).json()["job_id"] for _ in range(3)]
    for job_id in ids:
        await finished(client, job_id)
    page = (await client.get("/v1/jobs", params={"limit": 2})).json()
    assert [job["job_id"] for job in page["jobs"]] == [ids[2], ids[1]]
    page = (await client.get("/v1/jobs", params={"limit": 1, "offset": 2})).json()
    assert [job["job_id"] for job in page["jobs"]] == [ids[0]]
    assert (await client.get("/v1/jobs", params={"limit": 1000})).json()["limit"] == 100
    for bad in ({"limit": "x"}, {"offset": -1}):
        assert (await client.get("/v1/jobs", params=bad)).status_code == 400


def test_closing_breaks_off_what_is_rendered() -> None:
    with LocalAtlasThread(StillAvatars().create) as atlas:
        headers = {"Authorization": f"Bearer {atlas.key}"}
        files = {"audio": ("a.wav", sound(300.0)), "image": ("i.png", picture())}
        httpx.post(atlas.base + "/v1/generate", headers=headers, files=files, verify=False, trust_env=False)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 2.0
