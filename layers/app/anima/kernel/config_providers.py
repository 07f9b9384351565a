"""Settings of the providers of models: their keys and addresses, under the names that their users know."""

from __future__ import annotations

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings


def _key(name: str, of: str) -> SecretStr | None:
    found: SecretStr | None = Field(None, validation_alias=AliasChoices(name), description=f"Key of {of}")
    return found


class ProviderSettings(BaseSettings):
    """The part of the settings that says which providers may be asked; `anima.vendors.llm.providers` is their table."""

    anthropic_api_key: SecretStr | None = _key("ANTHROPIC_API_KEY", "Anthropic")
    deepseek_api_key: SecretStr | None = _key("DEEPSEEK_API_KEY", "DeepSeek")
    google_api_key: SecretStr | None = _key("GOOGLE_API_KEY", "Google's Gemini API")
    groq_api_key: SecretStr | None = _key("GROQ_API_KEY", "Groq")
    hf_token: SecretStr | None = _key("HF_TOKEN", "Hugging Face, for its Inference Providers")
    mistral_api_key: SecretStr | None = _key("MISTRAL_API_KEY", "Mistral")
    replicate_api_token: SecretStr | None = _key("REPLICATE_API_TOKEN", "Replicate")
    nvidia_api_key: SecretStr | None = _key("NVIDIA_API_KEY", "NVIDIA's catalogue of NIM")
    nim_base_url: str | None = Field(
        None, validation_alias=AliasChoices("NIM_BASE_URL"), description="Address of a NIM of one's own"
    )
    nim_llm_model: str = Field(
        "meta/llama-3.3-70b-instruct",
        validation_alias=AliasChoices("NIM_LLM_MODEL"),
        description="Model that NIM is asked for",
    )
    use_ray_serve: bool = Field(
        False, validation_alias=AliasChoices("USE_RAY_SERVE"), description="Whether Ray Serve is asked at its usual URL"
    )
    ray_serve_url: str | None = Field(
        None, validation_alias=AliasChoices("RAY_SERVE_URL"), description="Address of Ray Serve; set: it is asked"
    )
    ray_serve_model: str | None = Field(None, description="Model that Ray Serve is asked for where nobody names one")
    vllm_url: str | None = Field(None, description="Address of a vLLM server (with its /v1)")
    vllm_model: str | None = Field(None, description="Model that it is asked for where nobody names one")
    vllm_api_key: SecretStr | None = Field(None, description="Key that it was started with, if any")
    bedrock_region: str | None = Field(
        None, description="AWS region of Amazon Bedrock, asked under the role of this process; set: it is asked"
    )
    bedrock_model: str = Field(
        "amazon.nova-lite-v1:0", description="Model or inference profile that Bedrock is asked for"
    )
    image_model: str | None = Field(
        None,
        pattern=r"^[a-z0-9_.-]+:.+$",
        description="Model that makes pictures, as provider:name (openai:gpt-image-2.5-flare); not set: none are made",
    )
    llm_general_model: str | None = Field(
        None,
        validation_alias=AliasChoices("LLM_GENERAL_MODEL"),
        description="Model of the role general where no profile names one, as provider:name",
    )
    llm_coding_model: str | None = Field(
        None,
        validation_alias=AliasChoices("LLM_CODING_MODEL"),
        description="Model of the role coding where no profile names one, as provider:name",
    )
    llm_models_auto_download: bool = Field(
        False,
        validation_alias=AliasChoices("LLM_MODELS_AUTO_DOWNLOAD"),
        description="Whether the start fetches the files of models that the active profile says to download",
    )
