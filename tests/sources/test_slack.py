"""What Slack is sent: text in which nothing is a mark of Slack's."""

from __future__ import annotations

from stock_pipeline.sources import slack


def test_f60_marks_of_slack_are_text() -> None:
    body = slack.body("<!channel> S&P <script>")
    assert body["text"] == "&lt;!channel&gt; S&amp;P &lt;script&gt;"
    assert body["unfurl_links"] is False


def test_a_message_is_cut_to_what_slack_shows() -> None:
    assert len(slack.body("a" * 4001)["text"]) == 4000
