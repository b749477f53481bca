"""What the service is tried with, T01 to T30: which tests try it, and what this machine or this run cannot."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """One row of the table that ``make chaos`` ends with.

    Attributes:
        number: T01 to T30.
        what: is tried, in a few words.
        tests: files, or tests with all their parameters, below ``tests``.
        left: what is not tried here, and why or by what else; empty where nothing is.
    """

    number: str
    what: str
    tests: tuple[str, ...]
    left: str = ""

    def has(self, test: str) -> bool:
        """Whether a test, as pytest names it, is one of these."""
        return any(test == name or test.startswith((f"{name}::", f"{name}[")) for name in self.names())

    def names(self) -> Iterable[str]:
        """Its tests, as pytest names them."""
        return (f"tests/{test}" for test in self.tests)


def in_file(file: str, *tests: str) -> tuple[str, ...]:
    """Tests of one file."""
    return tuple(f"{file}::{test}" for test in tests)


TRIALS = (
    Trial(
        "T01",
        "texts of every kind",
        (
            *in_file("service/rpc/test_translate.py", "test_order_count_and_structure_are_kept"),
            "end_to_end/test_true_text.py",
            "service/text/test_characters.py",
            *in_file("service/engine/test_tokenizers.py", "test_no_text_becomes_a_control_token"),
        ),
    ),
    Trial(
        "T02",
        "no text: wrong UTF-8, surrogates",
        (
            *in_file("service/rpc/test_translate.py", "test_invalid_utf8_is_an_invalid_argument"),
            *in_file("service/rpc/test_status.py", "test_what_does_not_decode_is_an_invalid_argument_everywhere"),
            *in_file("client/test_client.py", "test_a_lone_surrogate_is_named_before_anything_is_sent"),
            *in_file("service/text/test_segmentation.py", "test_a_lone_surrogate_is_no_text"),
            *in_file("client/test_cli_encodings.py", "test_what_is_no_text_is_named_with_file_and_byte"),
        ),
    ),
    Trial(
        "T03",
        "messages at their limits",
        (
            "service/wire/test_bounds.py",
            *in_file("service/text/test_segmentation.py", "test_the_work_is_linear_and_no_huge_text_is_tokenised"),
        ),
        left="how long the event loop is held: its bounds are counted, its times are not asserted",
    ),
    Trial("T04", "hostile pages", in_file("service/text/test_html.py", "test_hostile_pages_are_refused_at_once",
                                          "test_odd_pages_are_read_in_linear_time")),
    Trial(
        "T05",
        "text beyond a model's window",
        (
            *in_file("service/rpc/test_translate.py", "test_a_sentence_above_the_window_is_split_whole_and_reported",
                     "test_an_output_at_its_limit_is_reported"),
            *in_file("end_to_end/test_models.py", "test_a_sentence_beyond_the_window_loses_nothing",
                     "test_an_article_is_translated_whole"),
            "parity/test_windows.py",
        ),
    ),
    Trial(
        "T06",
        "models that repeat themselves",
        (
            "service/text/test_repetition.py",
            *in_file("service/summarisation/test_abstractive.py",
                     "test_a_text_that_goes_round_in_circles_is_written_again"),
        ),
    ),
    Trial(
        "T07",
        "instructions in articles",
        (
            "service/summarisation/test_prompt_injection.py",
            *in_file("service/store/test_gguf.py", "test_control_tokens_come_out_of_the_template_only"),
            *in_file("service/engine/test_tokenizers.py", "test_text_that_looks_like_a_control_token_is_only_text",
                     "test_no_mixture_of_their_parts_does_either"),
        ),
    ),
    Trial(
        "T08",
        "random requests, frames and files",
        (
            "fuzz/test_requests.py",
            "fuzz/test_parsers.py",
            *in_file("chaos/test_wire.py", "test_mutated_frames"),
        ),
        left="100,000 requests: make fuzz-requests, 10 minutes; parsers under atheris: make fuzz",
    ),
    Trial(
        "T09",
        "messages that inflate, or take long to read",
        ("chaos/test_inflation.py", "chaos/test_memory.py", "chaos/test_budget.py", "chaos/test_event_loop.py"),
    ),
    Trial(
        "T10",
        "callers who leave",
        (
            "chaos/test_cancels.py",
            *in_file("service/engine/test_slots.py", "test_a_request_that_is_cancelled_begins_no_batch"),
            *in_file("service/engine/test_writing.py", "test_closing_stops_the_model_in_the_middle",
                     "test_a_long_batch_of_an_encoder_decoder_asks_who_still_wants_it"),
            *in_file("service/rpc/test_interceptors.py", "test_a_call_that_its_caller_gives_up_ends_at_once"),
            *in_file("service/rpc/test_batch_translate.py", "test_cancelling_stops_the_work_of_all_items"),
            *in_file("service/engine/test_registry.py", "test_who_stops_waiting_leaves_no_use_behind"),
        ),
    ),
    Trial(
        "T11",
        "deadlines",
        (
            *in_file("service/rpc/test_translate.py", "test_a_passed_deadline_cancels_what_is_queued",
                     "test_the_servers_longest_deadline_holds_for_everyone"),
            *in_file("service/engine/test_scheduler.py", "test_what_is_too_late_is_dropped"),
            *in_file("service/rpc/test_stream_translate.py", "test_a_deadline_in_the_middle_leaves_what_was_sent"),
        ),
    ),
    Trial(
        "T12",
        "more calls than can be answered",
        ("chaos/test_overload.py", "chaos/test_at_once.py", "service/rpc/test_overload.py"),
        left="goodput on a quiet machine, with real models: make bench ONLY=B6",
    ),
    Trial("T13", "callers who try again", ("client/test_retries.py", "chaos/test_retry_storm.py")),
    Trial(
        "T14",
        "one heavy caller beside many",
        in_file("service/engine/test_scheduler.py", "test_ten_callers_get_as_much_whatever_they_ask_for",
                "test_a_short_request_beside_huge_ones_is_in_the_next_batch")
        + in_file("service/test_admission.py", "test_a_caller_who_has_filled_the_queue_keeps_nobody_else_out"),
        left="shares and waits with real models: make bench ONLY=B5",
    ),
    Trial(
        "T15",
        "a replica that is killed or stops, a bad link",
        (
            *in_file("chaos/test_replicas.py", "test_one_killed_every_five_seconds_loses_no_call"),
            "chaos/test_stopped_replica.py",
            "chaos/test_link.py",
            "chaos/test_bulk.py",
        ),
        left="links between machines: loopback alone, through a relay that is slow, lossy, silent or cut",
    ),
    Trial("T16", "an item that fails the engine each time",
          in_file("service/engine/test_slots.py", "test_a_poisoned_segment_fails_alone")
          + in_file("service/rpc/test_batch_translate.py",
                    "test_an_item_that_the_engine_fails_on_and_one_whose_model_is_not_there")),
    Trial("T17", "faults at named places, under calls",
          ("chaos/test_failpoints.py",
           *in_file("service/engine/test_slots.py", "test_each_half_of_a_batch_that_failed_is_a_batch_of_its_own"))),
    Trial("T18", "an engine or event loop that stands still", ("end_to_end/test_watchdog.py",)),
    Trial(
        "T19",
        "exit codes",
        (
            *in_file("end_to_end/test_lifecycle.py", "test_without_a_model_it_says_how_to_get_one",
                     "test_a_draining_server_says_unavailable", "test_a_damaged_model_is_named",
                     "test_an_open_address_needs_a_word"),
            "end_to_end/test_start.py",
        ),
    ),
    Trial(
        "T20",
        "restarts under load",
        (
            *in_file("chaos/test_replicas.py", "test_a_rolling_restart_fails_no_call_of_ten_thousand"),
            *in_file("end_to_end/test_reload.py", "test_reloads_under_load_fail_no_call_and_keep_no_memory"),
            "chaos/test_restart.py",
            *in_file("end_to_end/test_lifecycle.py", "test_sigterm_answers_what_is_in_flight_and_refuses_the_rest"),
        ),
    ),
    Trial(
        "T21",
        "health",
        (
            "service/test_health.py",
            *in_file("end_to_end/test_lifecycle.py", "test_every_service_is_serving",
                     "test_health_tells_the_truth_while_models_load", "test_an_unknown_service_is_not_found"),
            *in_file("end_to_end/test_reload.py", "test_health_follows_a_model_that_fails_and_is_mended"),
        ),
    ),
    Trial("T22", "a sentence alone and among others",
          ("service/engine/test_invariance.py",
           *in_file("end_to_end/test_models.py", "test_a_sentence_is_translated_the_same_alone_and_among_others"))),
    Trial(
        "T23",
        "damaged models, installations that are killed",
        (
            "chaos/test_damaged_models.py",
            "service/store/test_archives.py",
            "service/store/test_crashes.py",
            "service/store/test_install_safety.py",
            "service/store/test_nesting.py",
            "end_to_end/test_golden_answers.py",
        ),
    ),
    Trial(
        "T24",
        "TLS and API keys",
        (
            "service/test_certificates.py",
            "end_to_end/test_access.py",
            "chaos/test_keys.py",
            "chaos/test_key_times.py",
            *in_file("end_to_end/test_hangup.py",
                     "test_new_certificates_are_for_new_connections_and_a_wrong_pair_leaves_the_old_one"),
            *in_file("service/access/test_access.py", "test_no_method_of_ours_is_open_without_a_key",
                     "test_each_service_needs_its_scope", "test_a_wrong_key_is_refused_with_its_cure",
                     "test_the_message_of_a_call_without_a_key_is_not_even_decoded"),
            *in_file("client/test_cli_connection.py", "test_a_certificate_for_another_name_is_named_with_that",
                     "test_a_certificate_that_is_not_trusted_is_named"),
        ),
        left="times over a network, which tell less than those within the process",
    ),
    Trial("T25", "quotas",
          in_file("service/access/test_access.py",
                  "test_no_window_has_more_than_the_quota_and_a_steady_caller_nearly_all_of_it",
                  "test_requests_are_counted_by_the_minute",
                  "test_concurrent_work_of_a_key_is_bounded_and_one_call_always_has_its_turn",
                  "test_items_of_a_stream_wait_for_the_quota",
                  "test_items_of_a_stream_have_all_of_the_quota_and_no_more",
                  "test_a_clock_that_is_set_back_gives_nobody_more")),
    Trial("T26", "mixed load for long", (), left="make soak SECONDS=1800: memory, files, threads, latencies"),
    Trial(
        "T27",
        "floods and slow connections",
        (
            *in_file("chaos/test_wire.py", "test_floods", "test_slow_headers", "test_poison_while_others_are_served"),
            "chaos/test_connections.py",
            *in_file("service/rpc/test_batch_translate.py",
                     "test_a_caller_who_does_not_read_is_not_waited_for_for_ever"),
        ),
    ),
    Trial(
        "T28",
        "each answer is of its own request",
        (
            "chaos/test_markers.py",
            "chaos/test_stubs.py",
            *in_file("interop/test_node.py", "test_many_calls_at_once_lose_none"),
            *in_file("end_to_end/test_models.py", "test_callers_get_their_own_answers"),
            *in_file("service/engine/test_slots.py", "test_every_segment_gets_its_own_result"),
        ),
    ),
    Trial(
        "T29",
        "where it starts and where it does not",
        (
            *in_file("end_to_end/test_lifecycle.py", "test_a_taken_port_is_an_error"),
            "service/engine/test_hardware.py",
            "end_to_end/test_offline.py",
        ),
        left="a read-only root without a shell or network: make image-test, as root; throughput by quota: no cgroups",
    ),
    Trial("T30", "what is shipped", ("test_supply_chain.py", "test_image.py"),
          left="known vulnerabilities: make audit, with a network; two builds of an image: make image-twice, as root"),
)  # fmt: skip
