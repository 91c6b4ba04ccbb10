from monitor.core.answers import Rcode


def test_only_what_a_server_says_of_the_name_is_no_failure() -> None:
    assert {code for code in Rcode if not code.is_failure} == {Rcode.NOERROR, Rcode.NXDOMAIN}
