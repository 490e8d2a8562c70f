"""What things are called in the twin's market: invented names, codes, industries, places."""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator


class Industry(NamedTuple):
    """One industry: its weight in the market, the words that end a name, the products."""

    name: str
    code: str
    weight: int
    suffix: str
    english: str
    products: str


class Region(NamedTuple):
    """One region, the first six digits of a registration number given there, the area code."""

    name: str
    registry: str
    phone: str


# Industry names and codes of the Korean standard classification (KSIC, 10th revision).
INDUSTRIES = (
    Industry(
        "소프트웨어 개발 및 공급업", "582", 180, "소프트", "Soft", "기업용 소프트웨어, 모바일 게임"
    ),
    Industry(
        "특수 목적용 기계 제조업", "292", 165, "이엔지", "ENG", "반도체 장비, 디스플레이 장비"
    ),
    Industry(
        "전자부품 제조업", "262", 130, "전자", "Electronics", "카메라 모듈, 인쇄회로기판(PCB)"
    ),
    Industry("의약품 제조업", "212", 105, "제약", "Pharm", "전문의약품, 일반의약품"),
    Industry(
        "자동차 신품 부품 제조업", "303", 102, "오토", "Auto", "자동차 부품(변속기, 조향장치)"
    ),
    Industry("기타 화학제품 제조업", "204", 100, "켐텍", "Chemtech", "전자재료, 화장품 원료"),
    Industry("자연과학 및 공학 연구개발업", "701", 76, "바이오", "Bio", "항체 신약 연구개발"),
    Industry("반도체 제조업", "261", 75, "반도체", "Semicon", "비메모리 반도체"),
    Industry("의료용 기기 제조업", "271", 72, "메디칼", "Medical", "치과용 임플란트, 진단기기"),
    Industry("통신 및 방송 장비 제조업", "264", 66, "텔레콤", "Telecom", "무선통신장비"),
    Industry("1차 철강 제조업", "241", 60, "스틸", "Steel", "냉연강판, 강관"),
    Industry("일반 목적용 기계 제조업", "291", 51, "기계", "Machinery", "펌프, 감속기"),
    Industry("기초 화학물질 제조업", "201", 50, "화학", "Chemical", "기초유분, 특수가스"),
    Industry("기초 의약물질 제조업", "211", 47, "파마", "Pharma", "원료의약품"),
    Industry("플라스틱제품 제조업", "222", 43, "플라텍", "Platech", "사출 부품, 필름"),
    Industry(
        "컴퓨터 프로그래밍, 시스템 통합 및 관리업",
        "620",
        41,
        "시스템",
        "System",
        "SI, 클라우드 운영",
    ),
    Industry(
        "전동기, 발전기 및 전기 변환 · 공급 · 제어 장치 제조업",
        "281",
        39,
        "전기",
        "Electric",
        "변압기, 인버터",
    ),
    Industry("기타 식품 제조업", "107", 37, "식품", "Foods", "가공식품, 조미료"),
    Industry("기타 전문 도매업", "467", 36, "상사", "Trading", "철강재, 화학제품 유통"),
    Industry("의료용품 및 기타 의약 관련제품 제조업", "213", 34, "케어", "Care", "진단시약, 필러"),
    Industry(
        "영화, 비디오물, 방송프로그램 제작 및 배급업",
        "591",
        33,
        "미디어",
        "Media",
        "드라마 제작, 음반",
    ),
    Industry(
        "측정, 시험, 항해, 제어 및 기타 정밀기기 제조업; 광학기기 제외",
        "272",
        32,
        "정밀",
        "Precision",
        "검사장비, 계측기",
    ),
    Industry("기타 금속 가공제품 제조업", "259", 30, "금속", "Metal", "단조품, 볼트"),
    Industry("봉제의복 제조업", "141", 29, "어패럴", "Apparel", "의류 OEM"),
    Industry("부동산 임대 및 공급업", "681", 28, "디앤디", "D&D", "부동산 개발, 임대"),
    Industry("건물 건설업", "411", 24, "건설", "E&C", "아파트, 주택"),
    Industry("1차 비철금속 제조업", "242", 22, "알루텍", "Alutech", "알루미늄, 동판"),
    Industry("상품 종합 도매업", "468", 21, "인터내셔널", "International", "종합무역"),
    Industry("일차전지 및 이차전지 제조업", "282", 20, "에너지", "Energy", "이차전지, 소재"),
    Industry(
        "건축기술, 엔지니어링 및 관련 기술 서비스업",
        "721",
        19,
        "엔지니어링",
        "Engineering",
        "설계, 감리",
    ),
    Industry("광고업", "713", 19, "애드", "Ad", "온라인 광고 대행"),
    Industry(
        "시멘트, 석회, 플라스터 및 그 제품 제조업", "233", 18, "시멘트", "Cement", "시멘트, 레미콘"
    ),
    Industry("종합 소매업", "471", 15, "리테일", "Retail", "백화점, 편의점"),
    Industry("전기 통신업", "612", 14, "모바일", "Mobile", "이동통신, 초고속인터넷"),
    Industry("선박 및 보트 건조업", "311", 14, "중공업", "Heavy Industries", "선박, 해양플랜트"),
    Industry("보험업", "651", 11, "화재", "Insurance", "손해보험"),
    Industry("펄프, 종이 및 판지 제조업", "171", 11, "제지", "Paper", "인쇄용지, 골판지"),
    Industry("알코올음료 제조업", "111", 10, "주류", "Beverage", "소주, 맥주"),
    Industry("항공 여객 운송업", "511", 8, "항공", "Air", "여객운송, 화물운송"),
    Industry("해상 운송업", "501", 7, "해운", "Shipping", "컨테이너선, 벌크선"),
    Industry("전기업", "351", 6, "파워", "Power", "발전, 전력판매"),
)
# Not drawn: given to chosen companies. Fishing keeps fewer than five, the least that makes an
# industry a benchmark of its own.
HOLDING = Industry("기타 금융업", "649", 0, "금융지주", "Financial Holdings", "지주회사")
SPAC = Industry("금융 지원 서비스업", "661", 0, "호스팩", "SPAC", "기업인수합병")
FISHING = Industry("어로 어업", "031", 0, "수산", "Fisheries", "원양어업, 수산물 가공")
CHIPS = Industry("반도체 제조업", "261", 0, "", "", "메모리 반도체")
HANDSETS = Industry("통신 및 방송 장비 제조업", "264", 0, "", "", "휴대폰, 메모리 반도체, TV 등")

REGIONS = (
    Region("서울특별시", "110111", "02"),
    Region("서울특별시", "110111", "02"),
    Region("경기도", "130111", "031"),
    Region("경기도", "134511", "031"),
    Region("인천광역시", "120111", "032"),
    Region("충청남도", "164811", "041"),
    Region("충청북도", "150111", "043"),
    Region("대전광역시", "160111", "042"),
    Region("경상남도", "194211", "055"),
    Region("경상북도", "174811", "054"),
    Region("부산광역시", "180111", "051"),
    Region("대구광역시", "170111", "053"),
)
# Syllables with their romanisation.
_HEADS = (
    "가:Ga 나:Na 다:Da 라:Ra 마:Ma 바:Ba 사:Sa 아:A 자:Ja 카:Ka 타:Ta 파:Pa 하:Ha 세:Se 네:Ne "
    "테:Te 레:Re 미:Mi 비:Bi 시:Si 오:O 유:Yu 이:I 로:Ro 코:Ko 도:Do 보:Bo 루:Ru 무:Mu 수:Su 두:Du"
)
_MIDDLES = (
    "벨:bel 렌:ren 론:ron 빈:bin 닉:nik 룬:run 젠:jen 텔:tel 빌:bil 린:rin 든:deun 멘:men 펠:pel "
    "윈:win 딘:din 쿤:kun 넬:nel 돈:don 켐:kem 폴:pol"
)
_TAILS = ": : : 스:s 트:teu 라:ra 나:na 온:on 엘:el 토:to"
_INITIALS = ("QX", "ZK", "VJ", "WQ", "XB", "V&", "Z&", "3Q")
_FAMILY = "김이박최정강조윤장임한오서신권황안송류홍"
_GIVEN = "민서준도현우지성수영진하은재호경태승원훈석규철희"

# Letters the exchange uses in its codes: none that reads like a digit or another letter.
CODE_LETTERS = "ABCDFGHJKLMNPRSTVWXYZ"


def company_name(rng: Generator, industry: Industry, taken: set[str]) -> tuple[str, str]:
    """Invent a name that is not taken, in Korean and in English."""
    syllables = [part.split() for part in (_HEADS, _MIDDLES, _TAILS)]
    while True:
        parts = [part[rng.integers(len(part))].split(":") for part in syllables]
        korean = "".join(part[0] for part in parts)
        english = "".join(part[1] for part in parts)
        if rng.random() < 0.08:
            initials = _INITIALS[rng.integers(len(_INITIALS))]
            korean, english = initials + korean, f"{initials} {english}"
        if industry is SPAC:
            korean = f"{korean}제{rng.integers(1, 40)}"
        bare = rng.random() < 0.15 and industry is not SPAC
        name = korean if bare else korean + industry.suffix
        if name not in taken:
            taken.add(name)
            return name, f"{english} {industry.english} Co.,Ltd."


def person_name(rng: Generator) -> str:
    """Invent a person."""
    first, second = rng.integers(len(_GIVEN), size=2)
    return _FAMILY[rng.integers(len(_FAMILY))] + _GIVEN[first] + _GIVEN[second]


def isin(ticker: str) -> str:
    """Return the ISIN of a Korean share: preferred ones count 1, 2, … or K01, K02, …."""
    stem, last = ticker[:5], ticker[5]
    kinds = {"0": "000", "5": "100", "7": "200", "9": "300", "K": "K01", "L": "K02", "M": "K03"}
    body = f"KR7{stem}{kinds[last]}"
    return body + check_digit(body)


def foreign_isin(country: str, number: int) -> str:
    """Return the ISIN of a share registered abroad."""
    body = f"{country}{number:09d}" if country == "HK" else f"{country}G{number:06d}10"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """Return the check digit of an ISIN (Luhn over the digits, letters counting from 10)."""
    digits = "".join(str(int(character, 36)) for character in body)
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)
