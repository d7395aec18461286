"""Methods with their settings as they are typed."""

import pytest

import innerview as iv
from innerview.errors import SettingError
from innerview.spelling import spelled


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("GradCAM", iv.GradCAM()),
        ("gradcam:layer=layer4.1,relu=false", iv.GradCAM("layer4.1", relu=False)),
        ("gradcam:layer=28", iv.GradCAM("28")),
        ("gradcam:layer=1.0", iv.GradCAM("1.0")),
        ("gradcam:layer=none", iv.GradCAM()),
        ("gradcam:layer=('1', 'conv2')", iv.GradCAM(("1", "conv2"))),
        ("occlusion:window=(16,8),baseline=blur", iv.Occlusion((16, 8), baseline="blur")),
        ("occlusion:baseline=(0,0.5,1)", iv.Occlusion(baseline=(0, 0.5, 1))),
        ("smoothgrad:of=occlusion:window=8", iv.SmoothGrad(iv.Occlusion(8))),
        ("smoothgrad:sigma=8/255", iv.SmoothGrad(sigma=8 / 255)),
    ],
)
def test_a_line_of_text_names_a_method_and_its_settings(text: str, method: iv.Method) -> None:
    assert spelled(text, iv.METHODS, "method") == method


def test_a_word_that_looks_like_a_number_is_a_word_where_words_are_asked_for() -> None:
    assert spelled("pgd:norm=2,epsilon=8/255", iv.ATTACKS, "attack") == iv.PGD(8 / 255, norm="2")


@pytest.mark.usefixtures("unchecked_types")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "occlusion:window=wide",
            "window is a whole number, at least 1, or two whole numbers, at least 1, or None; got ",
        ),
        ("smoothgrad:samples=1.5", "samples is a whole number, at least 1; got 1.5"),
        ("smoothgrad:samples=True", "samples is a whole number, at least 1; got True"),
        ("gradcam:relu=0", "relu is True or False; got 0"),
        ("gradcam:layr=conv1", "gradcam has no setting 'layr'; it has layer, relu"),
        ("gradcam:conv1", "a setting is written name=value, as in gradcam:name=value; got 'conv1'"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        spelled(text, iv.METHODS, "method")
    assert str(caught.value).removesuffix("'wide'") == sentence
