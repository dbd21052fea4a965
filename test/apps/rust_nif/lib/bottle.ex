defmodule Bottle do
  @on_load :load
  def load, do: :erlang.load_nif(Application.app_dir(:bottle, "priv/nif"), 0)
  def millilitres(_bottles), do: :erlang.nif_error(:not_loaded)
end
