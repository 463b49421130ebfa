import numpy as np

from atlas_desktop.media.processing import EchoCanceller
from tests.unit.media.stand_ins import tone


def rms(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def test_the_speakers_own_sound_is_taken_out_of_the_microphone() -> None:
    canceller = EchoCanceller(noise=False, gain=False)
    canceller.set_delay_ms(20)
    noise = np.random.default_rng(3).normal(0, 3000, 48_000 * 2).astype(np.int16)
    delay = 960
    cleaned = []
    for start in range(0, len(noise) - 480, 480):
        block = noise[start : start + 480].reshape(-1, 1)
        canceller.process_render(np.repeat(block, 2, axis=1))
        echo = noise[max(0, start - delay) : max(0, start - delay) + 480] // 2
        cleaned.append(canceller.process_capture(echo.astype(np.int16).reshape(-1, 1)))
    late = np.concatenate(cleaned[-50:])
    assert canceller.failures == 0
    assert rms(late) < rms(noise // 2) / 10


def test_odd_lengths_from_the_sound_thread_are_cut_into_10_ms() -> None:
    canceller = EchoCanceller()
    for length in (1, 479, 700, 3000):
        canceller.process_render(np.zeros((length, 2), np.int16))
    canceller.process_render(np.zeros((100, 1), np.int16))
    assert canceller.failures == 0


def test_what_can_t_be_processed_passes_as_it_is() -> None:
    canceller = EchoCanceller()
    wrong_length = tone(0.005).reshape(-1, 1)
    assert np.array_equal(canceller.process_capture(wrong_length), wrong_length)
    assert canceller.failures == 1
