"""Words and enums say the same."""

from typing import get_args

import pytest
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_client import options
from polygist_client.conversion import number_of, word_of, words_of

PAIRS = [
    (options.Preference, common_pb2.PerformancePreference),
    (options.Splitting, translation_service_pb2.SentenceSplitting),
    (options.SummaryMethod, summarisation_service_pb2.SummaryMethod),
    (options.SummaryType, summarisation_service_pb2.SummaryType),
    (options.SummaryLength, summarisation_service_pb2.SummaryLength),
    (options.SentenceOrder, summarisation_service_pb2.SentenceOrder),
    (options.Task, model_service_pb2.Task),
]


@pytest.mark.parametrize(("literal", "enum"), PAIRS)
def test_a_literal_has_every_value_of_its_enum(literal, enum):
    assert get_args(literal) == words_of(enum.DESCRIPTOR)


@pytest.mark.parametrize(("_", "enum"), PAIRS)
def test_a_word_and_its_number_are_each_others(_, enum):
    for word in words_of(enum.DESCRIPTOR):
        assert word_of(enum.DESCRIPTOR, number_of("f", enum.DESCRIPTOR, word)) == word


def test_a_value_of_a_newer_server_is_a_word_too():
    assert word_of(common_pb2.WarningCode.DESCRIPTOR, 99) == "unknown-99"


def test_nothing_said_is_zero():
    assert number_of("prefer", common_pb2.PerformancePreference.DESCRIPTOR, None) == 0
