defmodule RedWeb do
  def label, do: File.read!(Application.app_dir(:red_web, "priv/static/label.txt"))
end
