defmodule Press do
  @on_load :load
  def load, do: :erlang.load_nif(Application.app_dir(:press, "priv/nif"), 0)
  def litres(_grapes), do: :erlang.nif_error(:not_loaded)
end
