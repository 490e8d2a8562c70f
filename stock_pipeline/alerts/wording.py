"""What an alert says of each class of error: what it means, and what happens next."""

from __future__ import annotations

import re

ABANDONED = "Abandoned"
PARTIAL = "PartialFailure"
DEFECT = "Defect"

_AGAIN = "다음 일정과 복구기가 다시 요청합니다"
_STORAGE = "아무것도 쓰지 않았습니다: 데이터베이스를 확인하십시오 (stock-pipeline doctor)"

# class → what it means for whoever reads it, what is done or is to be done
_WORDS = {
    "Timeout": ("응답 없음", _AGAIN),
    "ServerError": ("서버 오류", _AGAIN),
    "NetworkError": ("연결 실패", _AGAIN),
    "RateLimited": ("요청 속도 제한", "나머지는 복구기가 나중에 다시 요청합니다"),
    "QuotaExhausted": ("하루 한도 소진", "다음 자정(한국 시각)이 지나면 다시 요청합니다"),
    "AuthError": ("키 또는 계정 거부", "설정을 갱신하십시오"),
    "NotEntitled": ("이용 승인이 없는 서비스", "해당 서비스의 이용을 신청하십시오"),
    "Blocked": ("이 주소의 접속 차단", "차단이 끝날 때까지 어떤 요청도 보내지 않습니다"),
    "BadRequest": ("잘못된 요청", "프로그램의 오류입니다: 실행 로그를 보고 고쳐야 합니다"),
    "BadPayload": ("알 수 없는 응답", "다시 요청합니다; 계속되면 보관된 응답을 확인하십시오"),
    "SchemaDrift": ("응답 형식 변경", "저장된 자료는 그대로입니다; 수집 코드를 고쳐야 합니다"),
    "EmptyOnBusinessDay": ("영업일에 빈 응답", "17:30, 19:30, 다음 날 아침에 다시 요청합니다"),
    "QualityReject": ("품질 규칙 위반", "저장하지 않았습니다: rejected_row를 확인하십시오"),
    "DatabaseUnavailable": ("데이터베이스 연결 실패", _STORAGE),
    "LockTimeout": ("데이터베이스 잠금 대기 초과", _STORAGE),
    "PoolExhausted": ("데이터베이스 연결 부족", _STORAGE),
    "DiskFull": ("디스크 부족", "디스크를 비우십시오; 그 뒤 복구기가 다시 수집합니다"),
    "OutOfMemory": ("메모리 부족", "다른 프로그램을 줄이거나 한 번에 적은 날을 수집하십시오"),
    "SettingInvalid": ("설정 값 오류", "설정 값을 고치십시오"),
    ABANDONED: ("프로세스 종료", "복구기가 다시 실행합니다 (파티션마다 하루 두 번까지)"),
    PARTIAL: ("일부 누락", "받은 것은 저장했습니다; 빠진 것은 다시 요청합니다"),
}
_UNKNOWN = ("처리하지 못한 오류", "실행 로그의 오류를 확인하십시오")

# setting → where it is renewed; a name to look for, not an address
_RENEWED_AT = {
    "KRX_ID": "KRX 정보데이터시스템 회원 정보",
    "KRX_PW": "KRX 정보데이터시스템 비밀번호 변경 (3개월마다)",
    "KRX_OPENAPI_KEY": "KRX Open API 마이페이지 (1년마다)",
    "DART_API_KEY": "OpenDART 인증키 관리",
    "FSC_API_KEY": "공공데이터포털 마이페이지의 일반 인증키(Decoding)",
    "FSS_API_KEY": "금융감독원 금융상품한눈에 오픈 API 인증키",
    "FRED_API_KEY": "FRED 계정의 API Keys",
    "COINGECKO_API_KEY": "CoinGecko 개발자 화면",
}
_RENEW = re.compile(r"\brenew ([A-Z][A-Z_]+)")


def meaning(kind: str) -> str:
    """Return what a class of error means."""
    return _WORDS.get(kind, _UNKNOWN)[0]


def action(kind: str, text: str) -> str:
    """Return what is to be done; of a refused key, which setting and where it is renewed."""
    setting = _RENEW.search(text)
    if setting is None:
        return _WORDS.get(kind, _UNKNOWN)[1]
    where = _RENEWED_AT.get(setting[1])
    return f"{setting[1]} 갱신 필요" + (f": {where}" if where else "")
