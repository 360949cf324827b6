"""The profile on the account's page."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Profile
from accounts.profiles import change_profile
from accounts.schema import ProfileState


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # a generic class for type checkers only
    """What people say about themselves; the model's rules hold."""

    class Meta:
        model = Profile
        fields = ("display_name", "avatar")
        labels = {"display_name": "Display name", "avatar": "Picture"}
        help_texts = {
            "display_name": "The heading of your account. Left empty, it is your own name.",
            "avatar": "An https address, for apps that show your picture. This site loads nothing from elsewhere.",
        }
        error_messages = {"avatar": {"invalid": "Enter an address that begins with https://."}}
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "avatar": forms.URLInput(attrs={"placeholder": "https://", "spellcheck": "false"}),
        }

    def store(self, user_id: int) -> bool:
        """Store what was changed, of a valid form; False, with errors in the form, when that is not allowed."""
        try:
            change_profile(user_id=user_id, **{name: self.cleaned_data[name] for name in self.changed_data})
        except ValidationError as error:
            self.add_error(None, error.messages)
            return False
        return True


def profile_form(profile: ProfileState, data: dict[str, str] | None = None) -> ProfileForm:
    """The form for `profile`, filled in with `data` where something was sent."""
    return ProfileForm(data, initial={"display_name": profile.display_name, "avatar": profile.avatar})
